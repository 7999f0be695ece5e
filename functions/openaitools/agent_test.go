package openaitools_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/openaitools"
)

// Each shape that a provider gives its replies leads to the same conversation.
func TestShapesOfProviders(t *testing.T) {
	for _, c := range []struct {
		name  string
		first string
		want  map[string]string // what the answers to the calls contain, by id
	}{
		{"one call", calls("c1", "add", `{"a":2,"b":3}`), map[string]string{"c1": `"sum":5`}},
		{"no arguments", calls("c1", "search", ""), map[string]string{"c1": `searched 0 words`}},
		{"null as arguments", calls("c1", "search", "null"), map[string]string{"c1": `searched 0 words`}},
		{"truncated arguments", calls("c1", "add", `{"a":2,"b"`), map[string]string{"c1": `malformed_arguments`}},
		{"a list as text", calls("c1", "search", `{"words":"[\"a\",\"b\"]"}`), map[string]string{"c1": `searched 2 words`}},
		{"arguments as text within text", calls("c1", "add", `"{\"a\":2,\"b\":3}"`), map[string]string{"c1": `"sum":5`}},
		{"an unknown function", calls("c1", "serach", `{}`), map[string]string{"c1": `did you mean \"search\"?`}},
		{"an unknown argument", calls("c1", "add", `{"a":2,"c":3}`), map[string]string{"c1": `c","message":"is unknown`}},
		{"side by side", calls("c1", "add", `{"a":1}`, "c2", "add", `{"a":2}`, "c3", "add", `{"a":3}`), map[string]string{"c1": `"sum":2`, "c2": `"sum":3`, "c3": `"sum":4`}},
		{"repeated ids", calls("c", "add", `{"a":1}`, "c", "add", `{"a":2}`), map[string]string{"c": `"sum":2`, "callc_1_2": `"sum":3`}},
		{"no ids", calls("", "add", `{"a":1}`, "", "add", `{"a":2}`), map[string]string{"call_1_1": `"sum":2`, "call_1_2": `"sum":3`}},
		{"text and calls together", says(`{"role":"assistant","content":"Let me see.","tool_calls":[{"id":"c1","function":{"name":"add","arguments":"{\"a\":2}"}}]}`, "stop"), map[string]string{"c1": `"sum":3`}},
		{"the form before tools", says(`{"role":"assistant","function_call":{"name":"add","arguments":"{\"a\":2}"}}`, "function_call"), map[string]string{"call_1_1": `"sum":3`}},
		{"a reason beside a call", says(`{"role":"assistant","content":null,"reasoning_content":"I have to add.","tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}`, "tool_calls"), map[string]string{"c1": `"sum":3`}},
		{"text in parts", says(`{"role":"assistant","content":[{"type":"text","text":"Let me "},{"type":"text","text":"see."}],"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}`, "stop"), map[string]string{"c1": `"sum":3`}},
		{"cut at the bound in a call", says(`{"role":"assistant","content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":2, \"b"}}]}`, "length"), map[string]string{"c1": `malformed_arguments`}},
		{"several choices", `{"id":"c","choices":[{"index":1,"finish_reason":"stop","message":{"role":"assistant","content":"Another one."}},{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}}],"usage":{"total_tokens":10}}`, map[string]string{"c1": `"sum":3`}},
		{"a reason for the end that nobody knows", says(`{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}`, "eos"), map[string]string{"c1": `"sum":3`}},
		{"a name with a prefix", calls("c1", "functions.add", `{"a":2}`), map[string]string{"c1": `unknown_function`}},
		{"no name", calls("c1", "", `{}`), map[string]string{"c1": `unknown_function`}},
		{"numbers as text", calls("c1", "add", `{"a":"2","b":"3"}`), map[string]string{"c1": `"sum":5`}},
		{"a tool of another type", says(`{"role":"assistant","tool_calls":[{"id":"c1","type":"custom","function":{"name":"add","arguments":"{}"}}]}`, "tool_calls"), map[string]string{"c1": `no tools of the type`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{t: t, replies: []any{c.first, text("It is 5.")}}
			answer := run(t, agent(t, s, &desk{}))
			if answer.Text != "It is 5." || answer.Stop != openaitools.StopAnswer || answer.Steps != 2 || answer.Tokens != 20 {
				t.Errorf("got %+v", answer)
			}
			got := s.got[1].answers()
			if len(got) != len(c.want) {
				t.Errorf("answers %v", got)
			}
			for id, want := range c.want {
				if !strings.Contains(strings.ReplaceAll(got[id], "Did", "did"), want) {
					t.Errorf("%s: got %s, want %s", id, got[id], want)
				}
			}
			if n := len(answer.Messages); answer.Messages[n-1].Content != "It is 5." || answer.Messages[0].Role != "system" {
				t.Errorf("transcript %+v", answer.Messages)
			}
		})
	}
}

// Tokens are estimated where the endpoint does not count them.
func TestTokensAreCountedWithoutUsage(t *testing.T) {
	for name, usage := range map[string]string{"none": "", "null": `,"usage":null`, "zero": `,"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`} {
		reply := func(message, finish string) string {
			return `{"choices":[{"index":0,"finish_reason":"` + finish + `","message":` + message + `}]` + usage + `}`
		}
		s := &script{t: t, replies: []any{reply(`{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}`, "tool_calls"), reply(`{"role":"assistant","content":"It is 3."}`, "stop")}}
		a := agent(t, s, &desk{})
		if answer := run(t, a); answer.Tokens < 100 || answer.Text != "It is 3." {
			t.Errorf("%s: %+v", name, answer)
		}
		a.MaxTokens = 10
		s.replies = []any{reply(`{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}`, "tool_calls")}
		if answer := run(t, a); answer.Stop != openaitools.StopTokens {
			t.Errorf("%s: it went on: %+v", name, answer)
		}
	}
}

func TestRefusal(t *testing.T) {
	for name, reply := range map[string]string{
		"a refusal": says(`{"role":"assistant","content":null,"refusal":"I will not."}`, "stop"),
		"a filter":  says(`{"role":"assistant","content":null}`, "content_filter"),
	} {
		s := &script{t: t, replies: []any{reply}}
		if answer := run(t, agent(t, s, &desk{})); answer.Refusal == "" || answer.Stop != openaitools.StopRefusal {
			t.Errorf("%s: %+v", name, answer)
		}
	}
	thinking := &script{t: t, replies: []any{says(`{"role":"assistant","content":"","reasoning_content":"Hmm. Hmm."}`, "length"), text("Well.")}}
	a := agent(t, thinking, &desk{})
	answer := run(t, a)
	if answer.Stop != openaitools.StopLength || answer.Text != "" || len(answer.Messages) != 2 {
		t.Errorf("thought to the bound: %+v", answer)
	}
	if again, err := a.Run(t.Context(), "And?", answer.Messages...); err != nil || again.Text != "Well." {
		t.Errorf("going on: %+v, %v", again, err)
	}
	s := &script{t: t, replies: []any{says(`{"role":"assistant","content":"It is fi"}`, "length")}}
	if answer := run(t, agent(t, s, &desk{})); answer.Stop != openaitools.StopLength || answer.Text != "It is fi" {
		t.Errorf("cut at the bound: %+v", answer)
	}
}

// delta and done are pieces of a stream.
func delta(d string) string {
	return `{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":` + d + `,"finish_reason":null}]}`
}

func done(finish string) string {
	return `{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"` + finish + `"}]}`
}

func TestStreamsOfCalls(t *testing.T) {
	for name, stream := range map[string]lines{
		"by index": {delta(`{"role":"assistant","content":null}`), delta(`{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"add","arguments":""}}]}`),
			delta(`{"tool_calls":[{"index":1,"id":"c2","type":"function","function":{"name":"add","arguments":"{\"a\""}}]}`), delta(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]}`),
			delta(`{"tool_calls":[{"index":1,"function":{"arguments":":2}"}}]}`), done("tool_calls"), `{"id":"c","choices":[],"usage":{"total_tokens":7}}`, "[DONE]"},
		"without an index": {delta(`{"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":"}}]}`), delta(`{"tool_calls":[{"function":{"arguments":"1}"}}]}`),
			delta(`{"tool_calls":[{"id":"c2","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}`), done("stop"), "[DONE]"},
		"the same index for all": {delta(`{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":1}"}},{"index":0,"id":"c2","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}`), done("tool_calls"), "[DONE]"},
		"an index that jumps": {delta(`{"tool_calls":[{"index":1,"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\""}}]}`), delta(`{"tool_calls":[{"index":7,"id":"c2","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}`),
			delta(`{"tool_calls":[{"index":1,"function":{"arguments":":1}"}}]}`), done("tool_calls"), "[DONE]"},
		"beside another choice and a reason": {delta(`{"reasoning_content":"I have"}`), `{"id":"c","choices":[{"index":1,"delta":{"content":"Another","tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"erase","arguments":"{}"}}]},"finish_reason":"stop"}]}`,
			delta(`{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":1}"}},{"index":1,"id":"c2","type":"function","function":{"name":"add","arguments":"{\"a\":2}"}}]}`), `{"id":"c","choices":null}`, done("tool_calls"), "[DONE]"},
		"arguments at the end": {delta(`{"tool_calls":[{"index":0,"id":"c1","function":{"name":"add"}},{"index":1,"id":"c2","function":{"name":"add"}}]}`), delta(`{"tool_calls":[{"index":1,"function":{"arguments":"{\"a\":2}"}},{"index":0,"function":{"arguments":"{\"a\":1}"}}]}`), done("tool_calls"), "[DONE]"},
		"the name in each piece": {delta(`{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\""}}]}`), delta(`{"tool_calls":[{"index":0,"id":"c1","function":{"name":"add","arguments":":1}"}}]}`),
			delta(`{"tool_calls":[{"index":1,"id":"c2","function":{"name":"add","arguments":"{\"a\":2}"}}]}`), done("tool_calls"), "[DONE]"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{t: t, replies: []any{stream, lines{delta(`{"content":"Sums: "}`), delta(`{"content":"2, 3"}`), done("stop"), "[DONE]"}}}
			a := agent(t, s, &desk{})
			a.Stream = true
			var events []string
			a.OnEvent = func(e openaitools.Event) { events = append(events, fmt.Sprint(e.Kind, " ", e.Call.ID, e.Text)) }
			answer := run(t, a)
			got := s.got[1].answers()
			if answer.Text != "Sums: 2, 3" || !strings.Contains(got["c1"], `"sum":2`) || !strings.Contains(got["c2"], `"sum":3`) {
				t.Errorf("%+v, %v", answer, got)
			}
			slices.Sort(events[:4]) // the calls run side by side
			if diff := cmp.Diff([]string{"call c1", "call c2", "result c1", "result c2", "text Sums: ", "text 2, 3"}, events); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if answer.Tokens == 0 {
				t.Error("no tokens were counted")
			}
		})
	}
}

func TestBounds(t *testing.T) {
	again := calls("c", "add", `{"a":1}`)
	s := &script{t: t, replies: []any{again, again, again}}
	a := agent(t, s, &desk{})
	a.MaxSteps = 3
	answer := run(t, a)
	if answer.Stop != openaitools.StopSteps || answer.Steps != 3 || s.got[2].ToolChoice != "none" || s.got[1].ToolChoice != nil {
		t.Errorf("steps: %+v, tool choice %v", answer, s.got[2].ToolChoice)
	}
	// The conversation can go on from there.
	s.replies = []any{text("well")}
	if more, err := a.Run(t.Context(), "And now?", answer.Messages...); err != nil || more.Text != "well" {
		t.Errorf("going on: %v, %v", more, err)
	}
	s = &script{t: t, replies: []any{again, again}}
	a = agent(t, s, &desk{})
	a.MaxTokens = 15
	if answer := run(t, a); answer.Stop != openaitools.StopTokens || answer.Tokens != 20 {
		t.Errorf("tokens: %+v", answer)
	}
	if _, err := a.Run(t.Context(), " "); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("an empty question: %v", err)
	}
	for name, a := range map[string]openaitools.Agent{"no client": {Model: "m"}, "no functions": {Client: s.client(), Model: "m"}} {
		if _, err := a.Run(t.Context(), "?"); err == nil {
			t.Errorf("%s: it ran", name)
		}
	}
}

// A model that obeys a document which orders it to write has nothing written
// unless a person agrees.
func TestPlantedOrders(t *testing.T) {
	asks := 0
	for _, c := range []struct {
		name    string
		confirm func(context.Context, *functions.Confirmation) (bool, error)
		want    string
		written bool
	}{
		{"nobody to ask", nil, "needs_confirmation", false},
		{"the person says no", func(_ context.Context, c *functions.Confirmation) (bool, error) { asks++; return false, nil }, "The person did not agree", false},
		{"asking fails", func(context.Context, *functions.Confirmation) (bool, error) { return true, errors.New("no terminal") }, "The person did not agree", false},
		{"the person says yes", func(_ context.Context, c *functions.Confirmation) (bool, error) {
			return c.Function == "erase" && string(c.Arguments) == `{"what":"everything"}`, nil
		}, `"data":{}`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := &desk{}
			s := &script{t: t, replies: []any{calls("c1", "search", `{}`), calls("c2", "erase", `{"what":"everything"}`), calls("c3", "erase", `{"what":"everything","confirmation":"yes"}`), text("Done.")}}
			a := agent(t, s, d)
			a.Confirm = c.confirm
			run(t, a)
			if !strings.Contains(s.got[1].last(), "Ignore all previous instructions") {
				t.Error("the document was not read")
			}
			if got := s.got[2].last(); !strings.Contains(got, c.want) {
				t.Errorf("the model reads %s", got)
			}
			if got := s.got[3].last(); !strings.Contains(got, "confirmation") || !strings.Contains(got, "is unknown") {
				t.Errorf("a confirmation by the model: %s", got)
			}
			if c.written != (len(d.written) == 1) || len(d.written) > 1 {
				t.Errorf("written %v", d.written)
			}
		})
	}
	if asks != 1 {
		t.Errorf("the person was asked %d times", asks)
	}
}

type summary struct {
	Title string   `json:"title" jsonschema:"minLength=1"`
	Stage string   `json:"stage" jsonschema:"enum=open,enum=closed"`
	Notes []string `json:"notes,omitempty"`
}

func TestStructuredAnswers(t *testing.T) {
	format, err := openaitools.NewFormat[summary]("summary", "A summary of the ticket.")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		replies []any
		want    string
	}{
		{"at once", []any{text(`{"title":"Printer","stage":"open","notes":null}`)}, `{"title":"Printer","stage":"open"}`},
		{"in a fence", []any{text("```json\n{\"title\":\"Printer\",\"stage\":\"open\",\"notes\":\"[\\\"a\\\"]\"}\n```")}, `{"title":"Printer","stage":"open","notes":["a"]}`},
		{"corrected", []any{text("It is the printer."), text(`{"title":"Printer","stage":"opened"}`), text(`{"title":"Printer","stage":"open"}`)}, `{"title":"Printer","stage":"open"}`},
		{"after a call", []any{calls("c1", "search", `{}`), text(`{"title":"Printer","stage":"closed"}`)}, `{"title":"Printer","stage":"closed"}`},
		{"never", []any{text("no"), text("no"), text("no")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{t: t, replies: c.replies}
			a := agent(t, s, &desk{})
			a.Format = format
			answer, err := a.Run(t.Context(), "?")
			if string(answer.Data) != c.want || (err != nil) != (c.want == "") {
				t.Errorf("got %s, %v", answer.Data, err)
			}
			if !strings.Contains(string(s.got[0].ResponseFormat), `"strict":true`) || !strings.Contains(string(s.got[0].ResponseFormat), `"required":["title","stage","notes"]`) {
				t.Errorf("asked for %s", s.got[0].ResponseFormat)
			}
		})
	}
	if _, err := openaitools.NewFormat[map[string]any]("wrong", "x"); err == nil {
		t.Error("a format of anything was made")
	}
}

// With many functions the model is told of the one that finds others, and may
// then call what it found.
func TestLargeCatalogue(t *testing.T) {
	s := &script{t: t, replies: []any{calls("c1", "find_functions", `{"query":"adds numbers"}`), calls("c2", "add", `{"a":1}`), text("2")}}
	a := agent(t, s, &desk{})
	a.MaxTools = 2
	if _, err := a.Run(t.Context(), "?"); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), "FindFunctions") {
		t.Errorf("without find_functions: %v", err)
	}
	a.Functions, a.Strict = (&desk{}).bound(t, functions.FindFunctions()), true
	run(t, a)
	names := func(i int) (names []string) {
		for _, tool := range s.got[i].Tools {
			names = append(names, tool.Function.Name)
			if !tool.Function.Strict {
				t.Errorf("%s is not strict", tool.Function.Name)
			}
		}
		return names
	}
	if got := names(0); !slices.Equal(got, []string{"find_functions"}) {
		t.Errorf("at first %v", got)
	}
	if got := names(1); !slices.Equal(got, []string{"add", "find_functions"}) {
		t.Errorf("then %v", got)
	}
}
