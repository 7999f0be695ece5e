// Package helpdesk is a data connection in one file: the tickets of a helpdesk
// with a JSON API. Its tables, imports, search index and functions follow from
// what is declared here.
package helpdesk

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/url"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
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

// Settings say where the helpdesk is, and how to get in.
type Settings struct {
	URL   string               `json:"url"`
	Token connectors.SecretRef `json:"token,omitempty"` // "env:HELPDESK"; "" needs none
}

// New declares the helpdesk connection: its tickets, search over them, and one
// function that asks for a ticket's status as it is now.
func New(s Settings) *connectors.Connection {
	return connectors.New(connectors.Spec[Settings]{
		Name: "helpdesk", Label: "Helpdesk", Description: "Support tickets.", Icon: "chat", Color: "amber",
		Types: []*content.Type{tickets}, Settings: s, Open: open, Replay: connectors.ReplayJSON[Settings](tickets),
		Functions: []*functions.Function{functions.Define(functions.Spec{
			Name: "ticket_status", Category: "helpdesk", Description: "The status of a support ticket as it is right now, not as it was last imported.",
		}, func(ctx context.Context, call *functions.Call, in struct {
			TicketID string `json:"ticket_id" jsonschema:"minLength=1,maxLength=100"`
		}) (out struct {
			Status string `json:"status"`
		}, err error) {
			client, err := new(rest.Pool).Client(rest.Config{Service: "helpdesk", BaseURL: s.URL})
			if err != nil {
				return out, err
			}
			return out, client.JSON(ctx, rest.Request{Path: "/tickets/" + url.PathEscape(in.TicketID)}, &out)
		})},
	})
}

// open makes the session of one import: one stream, of all tickets. The client
// authorizes, keeps the pace, tries again, and shows no token to anybody.
func open(ctx context.Context, in connectors.Input[Settings]) (connectors.Session, error) {
	if in.Settings.URL == "" {
		return nil, fmt.Errorf("%w: Settings.URL is empty; give the address of the helpdesk", content.ErrInvalid)
	}
	config := rest.Config{Service: "helpdesk", BaseURL: in.Settings.URL, Attempts: 3}
	if in.Settings.Token != "" {
		token, err := in.Secret(ctx, in.Settings.Token)
		if err != nil {
			return nil, err
		}
		config.Auth = rest.Header("Authorization", "Bearer ", token)
	}
	client, err := in.REST(config)
	if err != nil {
		return nil, err
	}
	return connectors.Streams{connectors.JSON(tickets, func(ctx context.Context) iter.Seq2[json.RawMessage, error] {
		return func(yield func(json.RawMessage, error) bool) {
			for next := "/tickets"; next != ""; {
				var page struct {
					Tickets []json.RawMessage
					Next    string
				}
				if err := client.JSON(ctx, rest.Request{Path: next}, &page); err != nil {
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
