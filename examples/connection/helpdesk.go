// Package helpdesk is a data connection in one file: the tickets of a helpdesk
// with a JSON API. Its tables, imports, search index and functions follow from
// what is declared here.
package helpdesk

import (
	"context"
	"encoding/json"
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
		Functions: []connectors.Function[Settings]{connectors.Define(functions.Spec{
			Name: "ticket_status", Category: "helpdesk", Description: "The status of a support ticket as it is right now, not as it was last imported.",
		}, status)},
	})
}

// connect makes a client, which authorizes, keeps the pace, tries again, and shows no
// token to anybody.
func connect(ctx context.Context, in connectors.Input[Settings]) (*rest.Client, error) {
	config := rest.Config{Service: "helpdesk", BaseURL: in.Settings.URL, Attempts: 3}
	if in.Settings.Token != "" {
		token, err := in.Secret(ctx, in.Settings.Token)
		if err != nil {
			return nil, err
		}
		config.Auth = rest.Header("Authorization", "Bearer ", token)
	}
	return in.REST(config)
}

// status answers ticket_status from the helpdesk of the organization that asks.
func status(ctx context.Context, call *connectors.Call[Settings], ticket struct {
	ID string `json:"ticket_id" jsonschema:"minLength=1,maxLength=100"`
}) (out struct {
	Status string `json:"status"`
}, err error) {
	in, err := call.Input(ctx, "")
	if err != nil {
		return out, err
	}
	client, err := connect(ctx, in)
	if err != nil {
		return out, err
	}
	err = client.JSON(ctx, rest.Request{Path: "/tickets/" + url.PathEscape(ticket.ID)}, &out)
	return out, err
}

// open makes the session of one import: one stream, of all tickets.
func open(ctx context.Context, in connectors.Input[Settings]) (connectors.Session, error) {
	client, err := connect(ctx, in)
	if err != nil {
		return nil, err
	}
	return connectors.Streams{connectors.JSON(tickets, func(ctx context.Context) iter.Seq2[json.RawMessage, error] {
		return rest.Items(rest.Pages(ctx, "/tickets", func(ctx context.Context, link string) (rest.Page[json.RawMessage], error) {
			var page struct {
				Tickets []json.RawMessage
				Next    string
			}
			err := client.JSON(ctx, rest.Request{Path: link}, &page)
			return rest.Page[json.RawMessage]{Items: page.Tickets, Next: page.Next}, err
		}))
	})}, nil
}
