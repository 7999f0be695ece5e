package httprerank

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/content"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open returns a Reranker whose endpoint answers as told, and what it was asked.
func open(t *testing.T, status int, answer string) (*Reranker, *map[string]any) {
	asked := &map[string]any{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v2/rerank" || r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(asked); err != nil {
			t.Error(err)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	r, err := New(Config{URL: s.URL + "/v2", Key: "secret", Model: "judge", HTTP: client, MaxText: 5})
	if err != nil {
		t.Fatal(err)
	}
	return r, asked
}

func TestRerank(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		status       int
		want         []float64
		err          string
	}{
		{"Cohere", `{"id":"x","results":[{"index":1,"relevance_score":0.75},{"index":0,"relevance_score":0.25}],"meta":{}}`, 200, []float64{0.25, 0.75}, ""},
		{"data and score", `{"data":[{"index":0,"score":1},{"index":1,"score":0}]}`, 200, []float64{1, 0}, ""},
		{"logits", `{"results":[{"index":0,"relevance_score":0},{"index":1,"relevance_score":-800}]}`, 200, []float64{0.5, 0}, ""},
		{"too few", `{"results":[{"index":1,"relevance_score":0.75}]}`, 200, nil, "1 scores for 2"},
		{"twice", `{"results":[{"index":1,"relevance_score":0.75},{"index":1,"relevance_score":0.75}]}`, 200, nil, "no score"},
		{"out of range", `{"results":[{"index":2,"relevance_score":0.75},{"index":1,"relevance_score":0.75}]}`, 200, nil, "no score"},
		{"null", `{"results":[{"index":0,"relevance_score":null},{"index":1,"relevance_score":0.75}]}`, 200, nil, "no score"},
		{"NaN", `{"results":[{"index":0,"relevance_score":NaN},{"index":1,"relevance_score":0.75}]}`, 200, nil, "not what was asked for"},
		{"half", `{"results":[{"index":0,`, 200, nil, "not what was asked for"},
		{"429", `{"message":"slow down"}`, 429, nil, "slow down"},
		{"500", ``, 500, nil, "500"},
		{"endless", strings.Repeat(" ", maxBody+1), 200, nil, "more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, asked := open(t, c.status, c.answer)
			got, err := r.Rerank(t.Context(), "question", []string{"first text", "zwö"})
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			want := map[string]any{"model": "judge", "query": "question", "documents": []any{"first", "zwö"}, "top_n": 2.0}
			if d := cmp.Diff(want, *asked); d != "" {
				t.Error(d)
			}
		})
	}
	r, _ := open(t, 200, "")
	if got, err := r.Rerank(t.Context(), "question", nil); err != nil || len(got) != 0 {
		t.Errorf("nothing to judge: %v, %v", got, err)
	}
}

func TestNew(t *testing.T) {
	for name, c := range map[string]Config{"no URL": {Model: "m"}, "no host": {URL: "rerank", Model: "m"}, "other scheme": {URL: "file:///x", Model: "m"}, "no model": {URL: "http://x"}} {
		if _, err := New(c); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
