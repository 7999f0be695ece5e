package openaitools_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/functions/openaitools"
)

func TestRetries(t *testing.T) {
	empty := `{"id":"c","choices":[]}`
	for _, c := range []struct {
		name    string
		replies []any
		stream  bool
		retries int
		fails   bool
	}{
		{"429 and 500", []any{status(429), status(500), text("yes")}, false, 2, false},
		{"no choices, no text, no JSON", []any{empty, says(`{"role":"assistant","content":""}`, "stop"), "<html>", text("yes")}, false, 3, false},
		{"too often", []any{status(503), status(503), status(503), status(503)}, false, 3, true},
		{"a mistake of ours", []any{status(400)}, false, 0, true},
		{"a wrong key", []any{status(401)}, false, 0, true},
		{"a stream that is cut", []any{lines{delta(`{"content":"No"}`), "cut"}, lines{delta(`{"content":"yes"}`), done("stop"), "[DONE]"}}, true, 1, false},
		{"a stream without an end", []any{lines{delta(`{"content":"No"}`), "[DONE]"}, lines{delta(`{"content":"yes"}`), done("stop"), "[DONE]"}}, true, 1, false},
		{"an error in a stream", []any{lines{delta(`{"content":"No"}`), `{"error":{"message":"overloaded","type":"server_error"}}`}, lines{delta(`{"content":"yes"}`), done("stop"), "[DONE]"}}, true, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &script{t: t, replies: c.replies}
			a := agent(t, s, &desk{})
			a.Stream = c.stream
			retries, shown := 0, ""
			a.OnEvent = func(e openaitools.Event) {
				switch e.Kind {
				case openaitools.EventRetry:
					retries++
				case openaitools.EventRestart:
					shown = ""
				case openaitools.EventText:
					shown += e.Text
				}
			}
			answer, err := a.Run(t.Context(), "?")
			if c.fails != (err != nil) || retries != c.retries || !c.fails && (answer.Text != "yes" || shown != "yes") {
				t.Errorf("%d retries, %q shown, %+v, %v", retries, shown, answer, err)
			}
			if answer == nil || len(answer.Messages) < 2 {
				t.Error("the conversation is lost")
			}
		})
	}
	s := &script{t: t, replies: []any{status(429)}}
	a := agent(t, s, &desk{})
	reason := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(t.Context())
	a.Wait = func(ctx context.Context, _ time.Duration) error { cancel(reason); return context.Cause(ctx) }
	if _, err := a.Run(ctx, "?"); !errors.Is(err, reason) {
		t.Errorf("cancelled while waiting: %v", err)
	}
}

// An endpoint that says when to come again is left alone for so long, and one that
// wants a long pause is not asked again.
func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name    string
		headers map[string]string
		want    time.Duration // 0: it is not asked again
	}{
		{"nothing", nil, 500 * time.Millisecond},
		{"seconds", map[string]string{"Retry-After": "7"}, 7 * time.Second},
		{"less than the own rule", map[string]string{"Retry-After": "0"}, 500 * time.Millisecond},
		{"milliseconds", map[string]string{"Retry-After": "9", "Retry-After-Ms": "1500"}, 1500 * time.Millisecond},
		{"a date", map[string]string{"Date": "Sat, 31 Jan 2026 09:30:00 GMT", "Retry-After": "Sat, 31 Jan 2026 09:30:20 GMT"}, 20 * time.Second},
		{"a date that has passed", map[string]string{"Date": "Sat, 31 Jan 2026 09:30:00 GMT", "Retry-After": "Sat, 31 Jan 2026 09:00:00 GMT"}, 500 * time.Millisecond},
		{"nonsense", map[string]string{"Retry-After": "soon"}, 500 * time.Millisecond},
		{"a number without end", map[string]string{"Retry-After": "1e300"}, 500 * time.Millisecond},
		{"a minute and more", map[string]string{"Retry-After": "61"}, 0},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", c.name, stream), func(t *testing.T) {
				again := any(text("yes"))
				if stream {
					again = lines{delta(`{"content":"yes"}`), done("stop"), "[DONE]"}
				}
				s := &script{t: t, replies: []any{busy{429, c.headers}, again}}
				a := agent(t, s, &desk{})
				a.Stream = stream
				var waited time.Duration
				a.Wait = func(_ context.Context, pause time.Duration) error { waited = pause; return nil }
				answer, err := a.Run(t.Context(), "?")
				if waited != c.want || (err == nil) != (c.want > 0) || err == nil && answer.Text != "yes" || err != nil && !strings.Contains(err.Error(), "a pause of 1m1s") {
					t.Errorf("waited %s, got %+v, %v", waited, answer, err)
				}
			})
		}
	}
}

// However often it is tried, the pause stays within its bounds.
func TestPausesGrow(t *testing.T) {
	s := &script{t: t}
	for range 80 {
		s.replies = append(s.replies, status(503))
	}
	s.replies = append(s.replies, text("yes"))
	a := agent(t, s, &desk{})
	a.Retries = 100
	var pauses []time.Duration
	a.Wait = func(_ context.Context, pause time.Duration) error { pauses = append(pauses, pause); return nil }
	run(t, a)
	if len(pauses) != 80 || pauses[0] != time.Second/2 || pauses[1] != time.Second || !slices.IsSorted(pauses) || pauses[79] != 30*time.Second {
		t.Errorf("%v", pauses)
	}
}
