package forecasts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/examples/forecasts"
	"github.com/curatore/curatore-go/search"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func edition(text string) connectors.File {
	return connectors.File{Name: "forecast.csv", Size: int64(len(text)), ReaderAt: strings.NewReader(text)}
}

const (
	spring = `Number,Title,Office,NAICS,Set-Aside,Estimated Value,Solicitation Date,Description
F-1,Cloud hosting,CIO,541512,SBA,"$1,200,000",9/30/2026,Move the data center to the cloud
F-2,Janitorial services,FAS,561720,,250000,6/1/2026,Floors and windows
F-3,Help desk,CIO,541513,8A,900000,7/15/2026,First line support
`
	summer = `Number,Title,Office,NAICS,Set-Aside,Estimated Value,Solicitation Date,Description
F-1,Cloud hosting,CIO,541512,SBA,"$1,500,000",12/31/2026,Move the data center to the cloud
F-3,Help desk,CIO,541513,8A,900000,7/15/2026,First line support
F-4,Network,CIO,517111,,soon,2/30/2026,Cables
`
)

// Two editions of the sheet: what has changed, what is gone, and what it was.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "forecasts")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	c, err := curatore.Open(ctx, curatore.Config{Database: "sqlite:" + filepath.Join(dir, "forecasts.db")}, forecasts.New())
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)
	for _, text := range []string{spring, summer} {
		run, err := org.Import(ctx, "forecasts", edition(text))
		check(err)
		result, err := run.Wait(ctx)
		check(err)
		n := result.Streams["forecast"]
		fmt.Println(n.Created, "new,", n.Updated, "changed,", n.Unchanged, "unchanged,", n.Deleted, "gone")
		for _, f := range result.Failures {
			fmt.Println(" ", f)
		}
	}
	found, err := org.Search(ctx, search.Query{Text: "cloud"})
	check(err)
	for _, hit := range found.Hits {
		versions, err := org.History(ctx, "forecast", hit.ID, 0, 0)
		check(err)
		now, err := org.Get(ctx, "forecast", hit.ID)
		check(err)
		fmt.Printf("%s: %.0f now, %.0f before\n", hit.Title, now.Fields["estimated_value"], versions[0].Item.Fields["estimated_value"])
	}
	// Output:
	// 3 new, 0 changed, 0 unchanged, 0 gone
	// 1 new, 1 changed, 1 unchanged, 1 gone
	//   forecast.csv line 4 Estimated Value: it is no amount
	//   forecast.csv line 4 Solicitation Date: it is no date such as 9/30/2026
	// Cloud hosting: 1500000 now, 1200000 before
}

func TestConformance(t *testing.T) {
	sheet := func(from, to int, change string) func() []connectors.File {
		var b bytes.Buffer
		b.WriteString("Number,Title,Office\n")
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "F-%d,Forecast %d%s,Office %d\n", i, i, change, i%3)
		}
		return func() []connectors.File { return []connectors.File{edition(b.String())} }
	}
	connectortest.Run(t, connectortest.Subject{Connection: forecasts.New(), Before: sheet(0, 30, ""), Files: sheet(5, 35, ", again"), Batch: 8, Databases: []string{database.SQLite}})
}

// A sheet with other headings says what it has.
func TestOtherHeadings(t *testing.T) {
	ctx := t.Context()
	c, err := curatore.Open(ctx, curatore.Config{Database: databasetest.DSN(t, database.SQLite)}, forecasts.New())
	check(err)
	defer c.Close()
	org, err := c.Organization(ctx, "acme", "test")
	check(err)
	load := func(o connectors.Options, files ...connectors.File) error {
		run, err := org.ImportWith(ctx, "forecasts", o, files...)
		check(err)
		_, err = run.Wait(ctx)
		return err
	}
	other := edition("\ufeffRecord ID,Title\nX-1,Thing\n")
	if err := load(connectors.Options{}, other); err == nil || !strings.Contains(err.Error(), `no column "Number"`) || !strings.Contains(err.Error(), "Record ID") {
		t.Errorf("got %v", err)
	}
	if err := load(connectors.Options{Settings: []byte(`{"number": "Record ID"}`)}, other); err != nil {
		t.Error(err)
	}
	if err := load(connectors.Options{}); err == nil {
		t.Error("no file was taken")
	}
	if err := forecasts.New().CheckSettings([]byte(`{"numbre": "x"}`)); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
