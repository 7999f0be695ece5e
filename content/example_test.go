package content_test

import (
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content"
)

// Ticket is one support ticket.
type Ticket struct {
	content.Record
	TicketID string     `db:"ticket_id" content:"key"`
	Subject  string     `db:"subject" content:"title"`
	Body     string     `db:"body" content:"text"`
	Status   string     `db:"status" content:"facet"`
	Closed   *time.Time `db:"closed_at" content:"filter,sort" label:"Closed"`
}

func ExampleDefine() {
	tickets := content.Define(content.Spec[Ticket]{Name: "helpdesk_ticket", Label: "Ticket", Group: "helpdesk"})
	if _, err := content.NewRegistry(tickets); err != nil {
		fmt.Println(err)
	}
	for _, f := range tickets.Fields() {
		fmt.Println(f.Name, f.Kind, f.Label, f.Filterable())
	}

	d := tickets.Document(&Ticket{TicketID: "T-1", Subject: "Printer", Body: "It burns.", Status: "open"})
	fmt.Printf("%s: %q, %v\n", d.Title, d.Text, d.Metadata)
	// Output:
	// ticket_id string Ticket id true
	// subject string Subject true
	// body string Body false
	// status string Status true
	// closed_at time Closed true
	// Printer: "Status: open\n\nIt burns.", map[helpdesk:map[status:open ticket_id:T-1]]
}

func ExampleNewRegistry() {
	type Page struct {
		content.Record
		Path   string  `db:"path" content:"title"`
		SiteID *string `db:"site_id" content:"parent=site"`
	}
	_, err := content.NewRegistry(content.Define(content.Spec[Page]{Name: "page", Label: "Page", Icon: "unicorn"}))
	fmt.Println(err)
	// Output:
	// invalid declarations:
	// type page: unknown icon "unicorn"; use one of archive, bell, book, briefcase, building, calendar, chart, chat, cloud, database, document, file, folder, globe, image, inbox, link, list, mail, notice, phone, robot, search, table, tag, target, ticket, upload, user, users, wrench
	// type page: no field has the role "key": tag the one that holds the id in the source with content:"key"
	// type page: field site_id links to the unknown type "site"
}

func ExampleDefineDynamic() {
	sheet := content.DefineDynamic(content.Spec[content.Dynamic]{Name: "forecast", Label: "Forecast", Group: "sheets"},
		content.FieldSpec{Name: "number", Kind: content.String, Roles: content.Key},
		content.FieldSpec{Name: "agency", Kind: content.String, Roles: content.Title},
		content.FieldSpec{Name: "value", Kind: content.Float, Roles: content.Sortable})
	row := sheet.New()
	for i, cell := range []string{"7", "Navy", "1250000"} {
		f := sheet.Fields()[i]
		v, err := f.Parse(cell)
		if err != nil {
			fmt.Println(err)
		}
		f.Set(row, v)
	}
	fmt.Println(sheet.Title(row), sheet.Item(row, "").Fields["value"])
	// Output: Navy 1.25e+06
}
