package export_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/curatore/curatore-go/connectors/salesforce/export"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
)

func Example() {
	data := salesforcetest.Zip(
		salesforcetest.Entry{Name: "Account.csv", Content: "\"Id\",\"Name\",\"CreatedDate\"\n" +
			"\"001bm00001ZL8U9AAL\",\"Edge Communications\",\"02/23/26 08:55 PM\"\n" +
			"\"001bm00001ZL8UAAA1\",\"too few fields\"\n" +
			"\"001bm00001ZL8UBAA1\",\"Caf\xe9 \"\"Paris\"\"\",\"03/01/26 09:00 AM\"\n"},
		salesforcetest.Entry{Name: "AccountContactRole.csv", Content: "\"Id\"\n"},
	)
	files := []export.File{{Name: "WE_00Dbm00000QmZ4kEAF_2.ZIP", Size: int64(len(data)), ReaderAt: bytes.NewReader(data)}}

	ctx := context.Background()
	e, err := export.Open(ctx, files, []string{"Account", "Contact"}, export.Options{})
	if err != nil {
		log.Fatal(err)
	}
	order, err := e.DateOrder(func(object, column string) bool { return strings.HasSuffix(column, "Date") })
	if err != nil {
		log.Fatal(err)
	}
	_, missing := e.Complete()
	fmt.Println(e.Files(), e.Encoding(), order)
	fmt.Println("contacts:", e.Has("Contact"), "incomplete:", missing)

	created := e.Column("Account", "CreatedDate")
	for r, err := range e.Records(ctx, "Account", export.Position{}) {
		if err != nil {
			log.Fatal(err) // the file is damaged
		}
		if r.Err != nil {
			fmt.Println(r.Err) // this row is, go on
			continue
		}
		t, _, err := export.Time(r.Fields[created], order)
		fmt.Println(r.Line, r.Get("Name"), t, err)
	}
	// Output:
	// [WE_00Dbm00000QmZ4kEAF_2.ZIP/Account.csv] windows-1252 month first
	// contacts: false incomplete: part 1 is missing (given: 2)
	// 2 Edge Communications 2026-02-23 20:55:00 +0000 UTC <nil>
	// WE_00Dbm00000QmZ4kEAF_2.ZIP/Account.csv line 3: wrong number of fields: 2, the header has 3 "\"001bm00001ZL8UAAA1\",\"too few fields\""
	// 4 Café "Paris" 2026-03-01 09:00:00 +0000 UTC <nil>
}
