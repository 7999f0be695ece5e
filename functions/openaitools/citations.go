package openaitools

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	openai "github.com/sashabaranov/go-openai"
)

// A Citation is a record, or a passage of one, that an answer names and a
// function returned.
type Citation struct {
	Type  string
	ID    string
	Chunk int // the passage that search returned; -1 for the record
	Title string
	URL   string // where the record is shown in its source; may be empty
}

// String is the form in which an answer names it: [type/id#chunk].
func (c Citation) String() string {
	if c.Chunk < 0 {
		return "[" + c.Type + "/" + c.ID + "]"
	}
	return fmt.Sprintf("[%s/%s#%d]", c.Type, c.ID, c.Chunk)
}

// sources are the records and passages that functions returned, by how an answer
// names them.
type sources map[string]Citation

// add collects the records in the data of a result: objects with a type and an
// id, and the rows of a model.
func (s sources) add(data []byte) {
	var v any
	if json.Unmarshal(data, &v) == nil {
		s.walk(v, "")
	}
}

// addMessage collects the records of an answer to a call in a history.
func (s sources) addMessage(m openai.ChatCompletionMessage) {
	if m.Role != openai.ChatMessageRoleTool {
		return
	}
	var result struct {
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal([]byte(m.Content), &result) == nil {
		s.add(result.Data)
	}
}

// walk looks for records in a value. With a model the value is a row of it, or
// several: what is in a row was written by others, whatever it looks like.
func (s sources) walk(v any, model string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			s.walk(item, model)
		}
	case map[string]any:
		text := func(name string) string {
			t, _ := v[name].(string)
			return t
		}
		c := Citation{Type: model, ID: text("id"), Chunk: -1, Title: text("title"), URL: text("url")}
		if model == "" {
			c.Type = text("type")
		}
		if c.ID != "" && c.Type != "" {
			s.put(c)
			s.putChunk(c, v)
			passages, _ := v["passages"].([]any)
			for _, p := range passages {
				passage, _ := p.(map[string]any)
				s.putChunk(c, passage)
			}
		}
		if model != "" {
			return
		}
		for name, inner := range v {
			switch name {
			case "fields", "metadata", "passages", "highlights": // written by others, too
			case "rows":
				s.walk(inner, text("model"))
			default:
				s.walk(inner, "")
			}
		}
	}
}

// putChunk keeps the chunk of a record that a hit or a passage is.
func (s sources) putChunk(c Citation, part map[string]any) {
	if chunk, ok := part["chunk_index"].(float64); ok {
		c.Chunk = int(chunk)
		s.put(c)
	}
}

// put keeps what is known of a source.
func (s sources) put(c Citation) {
	known, ok := s[c.String()]
	if !ok || known.Title == "" && c.Title != "" {
		s[c.String()] = c
	}
}

var citation = regexp.MustCompile(`\[([a-z][a-z0-9_]*)/([^\]\s#]+)(?:#(\d+))?\]`)

// cited returns what a text names, each once: what was really returned, and what
// was not.
func (s sources) cited(text string) (found []Citation, invented []string) {
	seen := map[string]bool{}
	for _, m := range citation.FindAllStringSubmatch(text, -1) {
		name := strings.TrimSpace(m[0])
		if seen[name] {
			continue
		}
		seen[name] = true
		c, ok := s[name]
		if ok {
			found = append(found, c)
		} else {
			invented = append(invented, name)
		}
	}
	return found, invented
}
