// Package helpdesk is a data connection in one file: the tickets of a helpdesk
// with a JSON API. Its tables, imports, search index and functions follow from
// what is declared here.
package helpdesk

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

// Ticket is one support ticket.
type Ticket struct {
	content.Record `json:"-"`
	TicketID       string     `json:"id" db:"ticket_id" content:"key"`
	Subject        string     `json:"subject" db:"subject" content:"title"`
	Body           string     `json:"body" db:"body" content:"text"`
	Status         string     `json:"status" db:"status" content:"facet"`
	Closed         *time.Time `json:"closed" db:"closed_at" content:"filter,sort"`
}

var tickets = content.Define(content.Spec[Ticket]{Name: "helpdesk_ticket", Label: "Ticket", Icon: "ticket", Color: "amber"})

// Settings say where the helpdesk is.
type Settings struct {
	URL string `json:"url"`
}

// New declares the helpdesk connection: its tickets, search over them, and one
// function that asks for a ticket's status as it is now.
func New(s Settings) *connectors.Connection {
	return connectors.New(connectors.Spec[Settings]{
		Name: "helpdesk", Label: "Helpdesk", Description: "Support tickets.", Icon: "chat", Color: "amber",
		Types: []*content.Type{tickets}, Settings: s, Open: open,
		Functions: []*functions.Function{functions.Define(functions.Spec{
			Name: "ticket_status", Category: "helpdesk", Description: "The status of a support ticket as it is right now, not as it was last imported.",
		}, func(ctx context.Context, call *functions.Call, in struct {
			TicketID string `json:"ticket_id" jsonschema:"minLength=1,maxLength=100"`
		}) (out struct {
			Status string `json:"status"`
		}, err error) {
			return out, get(ctx, http.DefaultClient, s.URL+"/tickets/"+url.PathEscape(in.TicketID), &out)
		})},
	})
}

// open makes the session of one import: one stream, of all tickets.
func open(_ context.Context, in connectors.Input[Settings]) (connectors.Session, error) {
	if in.Settings.URL == "" {
		return nil, fmt.Errorf("%w: Settings.URL is empty; give the address of the helpdesk", content.ErrInvalid)
	}
	return connectors.Streams{connectors.Rows(tickets, func(ctx context.Context) iter.Seq2[*Ticket, error] {
		return func(yield func(*Ticket, error) bool) {
			for next := "/tickets"; next != ""; {
				var page struct {
					Tickets []*Ticket `json:"tickets"`
					Next    string    `json:"next"`
				}
				if err := get(ctx, in.HTTP, in.Settings.URL+next, &page); err != nil {
					yield(nil, err)
					return
				}
				for _, t := range page.Tickets {
					if !yield(t, nil) {
						return
					}
				}
				next = page.Next
			}
		}
	})}, nil
}

func get(ctx context.Context, client *http.Client, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("helpdesk: GET %s: %s", req.URL.Path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
