//go:build !race

package helpdesk_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/rest"
	helpdesk "github.com/curatore/curatore-go/examples/connection"
)

type token string

func (t token) Secret(context.Context, string) (rest.Secret, error) {
	return rest.NewSecret(string(t)), nil
}

// A connection of a hundred lines keeps what is asked of all.
func TestConformance(t *testing.T) {
	const secret = "helpdesk-canary-token"
	type ticket struct {
		ID      string `json:"id"`
		Subject string `json:"subject"`
		Status  string `json:"status"`
	}
	tickets := func(from, to int, status string) (list []ticket) {
		for i := from; i < to; i++ {
			list = append(list, ticket{"T-" + strconv.Itoa(i), "Ticket " + strconv.Itoa(i), status})
		}
		return list
	}
	var list atomic.Pointer[[]ticket]
	set := func(l []ticket) { list.Store(&l) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		const page = 10
		all := *list.Load()
		at, _ := strconv.Atoi(r.URL.Query().Get("at"))
		answer := map[string]any{"tickets": all[min(at, len(all)):min(at+page, len(all))]}
		if at+page < len(all) {
			answer["next"] = "/tickets?at=" + strconv.Itoa(at+page)
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	after := append(tickets(3, 20, "closed"), tickets(20, 35, "open")...)
	connectortest.Run(t, connectortest.Subject{
		Connection: helpdesk.New(helpdesk.Settings{URL: server.URL, Token: "env:HELPDESK"}), Secrets: token(secret), HTTP: server.Client(), Batch: 7,
		Edition:  func(n int) { set([][]ticket{tickets(0, 30, "open"), after}[n]) },
		Canaries: []string{secret},
		Empty:    func() { set(nil) },
		Shuffle: func() {
			shuffled := slices.Clone(after)
			slices.Reverse(shuffled)
			set(append(shuffled, shuffled[:4]...))
		},
	})
}
