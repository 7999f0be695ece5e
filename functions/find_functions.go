package functions

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"unicode"
)

type findArgs struct {
	Query string `json:"query" jsonschema:"minLength=1,maxLength=300" jsonschema_description:"What you want to do, in a few words"`
	Limit int    `json:"limit,omitempty" jsonschema:"minimum=1,maximum=20"`
}

type foundFunctions struct {
	Functions []foundFunction `json:"functions" jsonschema_description:"The best first"`
}

type foundFunction struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Category    string `json:"category,omitempty"`
	Effect      string `json:"effect" jsonschema_description:"reads or writes"`
	Input       Object `json:"input" jsonschema_description:"JSON Schema of its arguments"`
}

func (l *foundFunctions) Len() int { return len(l.Functions) }

func (l *foundFunctions) Shorten(_ context.Context, _ *Call, n int) error {
	l.Functions = l.Functions[:n]
	return nil
}

// FindName is the name of the function that [FindFunctions] returns.
const FindName = "find_functions"

// FindFunctions returns a function by which a model looks for functions, with
// their schemas, among those that its caller may use: for catalogues that are
// too large to be sent with each request. Give it to [NewEngine] beside the
// others.
func FindFunctions() *Function {
	return Define(Spec{
		Name:        FindName,
		Description: "Finds functions by what they do. Use it when none of the functions that you know fits, then call what it returns.",
		Category:    "functions",
		Tags:        []string{"functions"},
		Defaults:    map[string]any{"limit": 5},
	}, func(_ context.Context, call *Call, in findArgs) (*foundFunctions, error) {
		list := &foundFunctions{}
		for _, f := range rank(call.Functions().List(), in.Query) {
			if len(list.Functions) == in.Limit {
				break
			}
			var schema Object
			if err := unmarshalNumber(f.InputSchema(), (*map[string]any)(&schema)); err != nil {
				return nil, err
			}
			list.Functions = append(list.Functions, foundFunction{f.Name(), f.Description(), f.spec.Category, f.spec.Effect.String(), schema})
		}
		call.SetMessage("Found %s", count(len(list.Functions), "function"))
		return list, nil
	})
}

// rank returns the functions that share a word with a query, the best first:
// rare words count more, and those of the name more than those of the
// description.
func rank(all []*Function, query string) []*Function {
	docs := make([]map[string]float64, len(all))
	seen := map[string]int{}
	for i, f := range all {
		docs[i] = map[string]float64{}
		for _, part := range []struct {
			text   string
			weight float64
		}{{f.Name(), 3}, {strings.Join(f.spec.Tags, " ") + " " + f.spec.Category, 2}, {f.Description(), 1}} {
			for _, word := range stems(part.text) {
				docs[i][word] = max(docs[i][word], part.weight)
			}
		}
		for word := range docs[i] {
			seen[word]++
		}
	}
	type scored struct {
		f     *Function
		score float64
	}
	var found []scored
	words := stems(query)
	for i, f := range all {
		if f.Name() == FindName {
			continue
		}
		score := 0.0
		for _, word := range words {
			if weight := docs[i][word]; weight > 0 {
				score += weight * math.Log(1+float64(len(all))/float64(seen[word]))
			}
		}
		if score > 0 {
			found = append(found, scored{f, score})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	ranked := make([]*Function, len(found))
	for i, s := range found {
		ranked[i] = s.f
	}
	return ranked
}

// stems returns the different words of a text in lower case, without the most
// common endings.
func stems(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, word := range words {
		for _, ending := range []string{"ies", "ing", "es", "s"} {
			if stem, ok := strings.CutSuffix(word, ending); ok && len(stem) >= 3 {
				words[i] = stem
				break
			}
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
