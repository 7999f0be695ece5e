package openaitools_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	openai "github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/functions/openaitools"
)

func whole(body string) verbatim { return verbatim{"application/json", body} }
func stream(events ...string) verbatim {
	return verbatim{"text/event-stream", strings.Join(events, "")}
}

// event is one event of a stream.
func event(data string) string { return "data: " + data + "\n\n" }

const closing = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n"

// What endpoints send that only resemble the first one, as they send it: each reply
// calls add with 2 and 3, whatever else there is.
func TestRepliesThatGoOpenAIDoesNotRead(t *testing.T) {
	call := func(of, args string) string {
		return `{"choices":[{"index":0,"finish_reason":"tool_calls","` + of + `":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":` + args + `}}]}}]}`
	}
	const object = `{"a": 2, "b":3}`
	for name, first := range map[string]verbatim{
		"arguments as an object":            whole(call("message", object)),
		"arguments as an object, in pieces": stream(event(call("delta", object)), closing),
		"no arguments at first":             stream(event(call("delta", "null")), event(`{"choices":[{"index":0,"delta":{"tool_calls":[{"id":"c1","function":{"arguments":"{\"a\":2,\"b\":3}"}}]}}]}`), closing),
		"an id that is a number":            whole(strings.ReplaceAll(call("message", object), `"c1"`, "17")),
		"a time with a fraction":            whole(strings.Replace(call("message", `"{\"a\":2,\"b\":3}"`), "{", `{"created":1764000000.25,"logprobs":{},`, 1)),
		"a call that is not in a list":      whole(strings.NewReplacer(`"tool_calls":[`, `"tool_calls":`, `}}]}}]}`, `}}}}]}`).Replace(call("message", object))),
		"text in parts, one of thoughts": stream(event(`{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Add."}]},{"type":"text","text":"Let me "}]}}]}`),
			event(`{"choices":[{"index":0,"delta":{"content":"see."}}]}`), event(call("delta", object)), closing),
		"numbers as text":                         stream(event(strings.Replace(call("delta", object), `"index":0`, `"index":"0"`, 1)), event(`{"choices":[],"usage":{"prompt_tokens":"7","completion_tokens":3.0}}`), closing),
		"filters of another form":                 stream(event(strings.Replace(call("delta", `"{\"a\":2,\"b\":3}"`), `"index":0`, `"index":0,"content_filter_results":[]`, 1)), closing),
		"lines that end as on Windows, no blanks": stream(": OPENROUTER PROCESSING\r\n\r\n", "event: message\r\ndata:"+call("delta", `"{\"a\":2,\"b\":3}"`)+"\r\n\r\n", strings.ReplaceAll(closing, "\n", "\r\n")),
		"comments without end":                    stream(strings.Repeat(": still there\n\n", 1000), event(call("delta", `"{\"a\":2,\"b\":3}"`)), strings.Repeat(":\n\ndata:\n\n", 1000), closing),
		"events without empty lines":              stream("data: "+call("delta", `"{\"a\":2,\"b\":3}"`)+"\n", `data: {"choices":[],"usage":{"total_tokens":9}}`+"\n", "data: [DONE]"),
		"an event over several lines":             stream("data: {\"choices\":\ndata: [{\"index\":0,\"finish_reason\":\"stop\",\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"add\",\ndata: \"arguments\":\"{\\\"a\\\":2,\\\"b\\\":3}\"}}]}}]}\n\n"),
		"no [DONE] and no last line end":          stream(strings.TrimSpace(event(call("delta", `"{\"a\":2,\"b\":3}"`)))),
		"pieces without an index and an id that repeat the name": stream(
			event(`{"choices":[{"index":0,"delta":{"tool_calls":[{"type":"function","function":{"name":"add","arguments":""}}]}}]}`),
			event(`{"choices":[{"index":0,"delta":{"tool_calls":[{"type":"function","function":{"name":"add","arguments":"{\"a\":2"}}]}}]}`),
			event(`{"choices":[{"index":0,"delta":{"tool_calls":[{"type":"function","function":{"name":"add","arguments":",\"b\":3}"}}]}}]}`), closing),
		"a whole reply where a stream was asked for": {"application/json; charset=utf-8", "\n " + call("message", object)},
		"the same without a reason for the end":      whole(strings.Replace(call("message", object), `"tool_calls",`, `null,`, 1)),
		"a stream that is said to be JSON":           {"application/json", event(call("delta", object)) + closing},
	} {
		t.Run(name, func(t *testing.T) {
			streams := strings.Contains(first.body, "data:") || strings.HasPrefix(name, "a whole") || strings.HasPrefix(name, "the same")
			last := any(text("It is 5."))
			if streams {
				last = lines{delta(`{"content":"It is 5."}`), done("stop"), "[DONE]"}
			}
			s := &script{t: t, replies: []any{first, last}}
			a := agent(t, s, &desk{})
			a.Retries, a.Stream = -1, streams
			answer := run(t, a)
			if answer.Text != "It is 5." || answer.Steps != 2 {
				t.Errorf("got %+v", answer)
			}
			got := s.got[1].answers()
			for _, one := range got {
				if len(got) != 1 || !strings.Contains(one, `"sum":5`) {
					t.Errorf("answers %v", got)
				}
			}
			if said := answer.Messages[2].Content; strings.HasPrefix(name, "text in parts") != (said == "Let me see.") {
				t.Errorf("it said %q", said)
			}
		})
	}
}

// Failures that come beside status 200 are failures: what passes is tried again, what
// does not is told.
func TestFailuresInReplies(t *testing.T) {
	begun := event(`{"choices":[{"index":0,"delta":{"content":"No"}}]}`)
	for _, c := range []struct {
		name   string
		first  any
		told   string
		passes bool
	}{
		{"a status in the body", whole(`{"error":{"message":"Provider returned error","code":502}}`), "502 Bad Gateway, message: Provider returned error", true},
		{"too many requests", whole(`{"error":{"message":"slow down","code":"429"}}`), "429 Too Many Requests, message: slow down", true},
		{"our mistake", whole(`{"error":{"message":"no such model","type":"invalid_request_error"}}`), "no such model", false},
		{"as text", whole(`{"error":"model is loading"}`), "model is loading", true},
		{"in a list", whole(`[{"error":{"code":400,"message":"Unknown name","status":"INVALID_ARGUMENT"}}]`), "Unknown name", false},
		{"beside an empty choice", whole(`{"choices":[{"index":0,"finish_reason":"error","error":{"code":503,"message":"Overloaded"},"message":{"role":"assistant","content":""}}]}`), "Overloaded", true},
		{"as the reason for the end", whole(`{"choices":[{"index":0,"finish_reason":"error","message":{"role":"assistant","content":"No, th"}}]}`), "ended with an error", true},
		{"where a stream was asked for", whole(`{"error":{"message":"slow down","code":429}}`), "slow down", true},
		{"in a stream", stream(begun, event(`{ "error" : {"message":"overloaded","type":"overloaded_error"}}`)), "overloaded", true},
		{"in a stream, as text", stream(begun, event(`{"error":"CUDA out of memory"}`)), "CUDA out of memory", true},
		{"in a stream, beside much else", stream(begun, event(`{"id":"gen-1","object":"chat.completion.chunk","created":1,"model":"m","error":{"code":"server_error","message":"Provider disconnected"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}`)), "Provider disconnected", true},
		{"in a stream, by the name of the event", stream(begun, "event: error\ndata: {\"type\":\"error\",\"message\":\"overloaded\"}\n\n"), "overloaded", true},
		{"in a stream, without data", stream(begun, `{"error":{"message":"gone"}}`), "gone", true},
		{"in a stream, our mistake", stream(begun, event(`{"error":{"message":"too long","code":"context_length_exceeded"}}`)), "too long", false},
		{"a body that is no JSON", stream(begun, "data: {\"choices\":[\n\n"), "unexpected end", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			streams := strings.Contains(c.name, "stream") || strings.HasPrefix(c.name, "a body")
			replies := []any{c.first}
			if c.passes && streams {
				replies = append(replies, lines{delta(`{"content":"Yes."}`), done("stop"), "[DONE]"})
			} else if c.passes {
				replies = append(replies, text("Yes."))
			}
			s := &script{t: t, replies: replies}
			a := agent(t, s, &desk{})
			a.Stream = streams
			var why error
			a.OnEvent = func(e openaitools.Event) {
				if e.Kind == openaitools.EventRetry {
					why = e.Err
				}
			}
			answer, err := a.Run(t.Context(), "?")
			if !c.passes {
				why = err
			}
			if (err == nil) != c.passes || c.passes && answer.Text != "Yes." || why == nil || !strings.Contains(why.Error(), c.told) {
				t.Errorf("got %+v, %v, because of %v", answer, err, why)
			}
		})
	}
}

// A refusal that go-openai cannot read is told in the endpoint's words, and a quota
// that is used up is not asked for again.
func TestRefusalsOfEndpoints(t *testing.T) {
	for body, want := range map[string]string{
		`[{"error":{"code":400,"message":"Unknown name \"strict\"","status":"INVALID_ARGUMENT"}}]`:       `status code: 429, status: 429 Too Many Requests, message: Unknown name "strict"`,
		`{"error":"model \"qwen3\" not found, try pulling it first"}`:                                    `message: model "qwen3" not found, try pulling it first`,
		`{"error":{"message":"You exceeded your current quota","type":"x","code":"insufficient_quota"}}`: "You exceeded your current quota",
	} {
		s := &script{t: t, replies: []any{refusal{429, body}}}
		a := agent(t, s, &desk{})
		a.Retries = -1
		if strings.Contains(want, "quota") {
			a.Retries = 3
		}
		if _, err := a.Run(t.Context(), "?"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// With a client of go-openai's own, a reply of another form is an error that says
// what to do, at once.
func TestOtherClients(t *testing.T) {
	s := &script{t: t, replies: []any{whole(`{"choices":[{"index":0,"finish_reason":"tool_calls","message":{"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":{"a":2}}}]}}]}`)}}
	a := agent(t, s, &desk{})
	config := openai.DefaultConfig("no key")
	config.BaseURL = s.url()
	a.Client = openai.NewClientWithConfig(config)
	if _, err := a.Run(t.Context(), "?"); err == nil || !strings.Contains(err.Error(), "take the Client from openaitools.NewClient") {
		t.Errorf("got %v", err)
	}
}

// Other requests by the client, and replies that need no mending, stay as they are.
func TestClientLeavesTheRest(t *testing.T) {
	reply := strings.Replace(text("yes"), "{", `{"created":17,"model":"m","system_fingerprint":"f",`, 1)
	s := &script{t: t, replies: []any{reply}}
	got, err := s.client().CreateChatCompletion(t.Context(), openai.ChatCompletionRequest{Model: "m", Messages: []openai.ChatCompletionMessage{{Role: "user", Content: "?"}}})
	if err != nil || got.Created != 17 || got.Model != "m" || got.SystemFingerprint != "f" || got.Choices[0].Message.Content != "yes" {
		t.Errorf("%+v, %v", got, err)
	}
	s.replies = []any{whole(`{"data":[{"embedding":[1,2]}],"error":null}`)}
	embedded, err := s.client().CreateEmbeddings(t.Context(), openai.EmbeddingRequestStrings{Input: []string{"x"}})
	if err != nil || fmt.Sprint(embedded.Data[0].Embedding) != "[1 2]" {
		t.Errorf("%+v, %v", embedded, err)
	}
}

// Options that an endpoint does not take are left out, or sent by the name that it
// takes, from then on.
func TestOptionsThatEndpointsDoNotTake(t *testing.T) {
	last := lines{delta(`{"content":"yes"}`), done("stop"), "[DONE]"}
	again := lines{delta(`{"tool_calls":[{"index":0,"id":"c1","function":{"name":"add","arguments":"{}"}}]}`), done("tool_calls"), "[DONE]"}
	for _, c := range []struct {
		name, model string
		replies     []any
		want        []string // of each request: the options
	}{
		{"all", "scripted", []any{again, last}, []string{"max_tokens stream_options", "max_tokens stream_options"}},
		{"known by the model", "gpt-5-mini", []any{last}, []string{"max_completion_tokens stream_options"}},
		{"told", "deployment-7", []any{refusal{400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","code":"unsupported_parameter"}}`}, again, last},
			[]string{"max_tokens stream_options", "max_completion_tokens stream_options", "max_completion_tokens stream_options"}},
		{"told otherwise", "scripted", []any{refusal{422, `{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}`}, again, last},
			[]string{"max_tokens stream_options", "max_tokens", "max_tokens"}},
	} {
		s := &script{t: t, replies: c.replies}
		a := agent(t, s, &desk{})
		a.Model, a.MaxReply, a.Retries, a.Stream = c.model, 50, -1, true
		if answer := run(t, a); answer.Text != "yes" {
			t.Errorf("%s: %+v", c.name, answer)
		}
		var got []string
		for _, raw := range s.raw {
			var sent []string
			for _, option := range []string{`"max_tokens":50`, `"max_completion_tokens":50`, `"stream_options":{`} {
				if strings.Contains(raw, option) {
					sent = append(sent, strings.Split(option, `"`)[1])
				}
			}
			got = append(got, strings.Join(sent, " "))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
