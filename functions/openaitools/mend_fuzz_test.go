package openaitools

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	openai "github.com/sashabaranov/go-openai"
)

// FuzzMend holds that whatever comes as a stream goes on as events, each once and in
// the same way however it arrives, and that what was read loosely is read by
// go-openai.
func FuzzMend(f *testing.F) {
	for _, seed := range []string{"", "data: [DONE]", ": x\n\ndata: {}\n\n", "event: error\r\ndata: \"x\"\r\n\r\n", `{"error":["x"]}`, `data: [{"error":{"message":null,"code":1e9}}]`,
		"data: {\"choices\":[{\"delta\":{\"tool_calls\":{\"function\":{\"arguments\":[1]}},\"content\":[{\"text\":[{\"text\":1}]}]}}]}\n", "data: {\"choices\":\n\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := io.ReadAll(newEventStream(bufio.NewReader(strings.NewReader(text))))
		if err != nil {
			t.Fatal(err)
		}
		slowly, err := io.ReadAll(newEventStream(iotest.OneByteReader(strings.NewReader(text))))
		if err != nil || string(slowly) != string(got) {
			t.Errorf("byte by byte %q, %v, and at once %q", slowly, err, got)
		}
		for event := range strings.SplitSeq(strings.TrimSuffix(string(got), "\n\n"), "\n\n") {
			if data, ok := strings.CutPrefix(event, "data: "); len(got) > 0 && (!ok || strings.Contains(data, "\n")) {
				t.Errorf("the event %q of %q", event, got)
			}
		}
		var reply looseReply
		if json.Unmarshal([]byte(text), &reply) != nil {
			return
		}
		if err := json.Unmarshal(loosely([]byte(text)), new(openai.ChatCompletionStreamResponse)); err != nil {
			t.Errorf("a piece: %v", err)
		}
		if err := json.Unmarshal(loosely([]byte(text)), new(openai.ChatCompletionResponse)); err != nil {
			t.Errorf("a reply: %v", err)
		}
	})
}
