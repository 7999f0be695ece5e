package rest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/curatore/curatore-go/connectors/rest"
)

// A client authorizes, tries again, and decodes; its errors show no key.
func Example() {
	busy := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("X-Api-Key") != "k-123456":
			w.WriteHeader(http.StatusUnauthorized)
		case busy:
			busy = false
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		case r.URL.Path == "/api/tickets":
			fmt.Fprint(w, `{"tickets": ["T-1", "T-2"]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, "nothing here for k-123456")
		}
	}))
	defer server.Close()

	key := rest.NewSecret("k-123456")
	client, err := new(rest.Pool).Client(rest.Config{Service: "helpdesk", BaseURL: server.URL + "/api",
		Auth: rest.Header("X-Api-Key", "", key), Credential: key, PerSecond: 10})
	if err != nil {
		log.Fatal(err)
	}
	var page struct{ Tickets []string }
	if err := client.JSON(context.Background(), rest.Request{Path: "/tickets"}, &page); err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Tickets, key)
	_, err = client.Do(context.Background(), rest.Request{Path: "/nothing"})
	if status, ok := err.(*rest.StatusError); ok {
		fmt.Println(status.Status, status.Body)
	}
	http.DefaultClient.CloseIdleConnections()
	// Output:
	// [T-1 T-2] [redacted]
	// 404 nothing here for [redacted]
}
