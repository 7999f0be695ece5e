package curatore_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	apikeys "github.com/curatore/curatore-go/curatore/keys"
	"github.com/curatore/curatore-go/functions"
)

// connect lets imports of salesforce begin without files. They fail, for want of a
// secret.
func connect(t testing.TB, org *curatore.Organization) {
	t.Helper()
	err := org.Configure(t.Context(), curatore.Instance{Connection: "salesforce", Settings: json.RawMessage(`{"api":{"url":"https://acme.my.salesforce.com"}}`)})
	if err != nil {
		t.Fatal(err)
	}
}

// useFunctions leaves a row in each table that functions and access to them fill.
func (d *depot) useFunctions() {
	d.t.Helper()
	ctx := d.t.Context()
	if _, _, err := d.org.CreateKey(ctx, apikeys.Request{Principal: "p", Scopes: []string{apikeys.Read}}); err != nil {
		d.t.Fatal(err)
	}
	if err := d.org.SwitchFunction(ctx, "describe_model", false); err != nil {
		d.t.Fatal(err)
	}
	connect(d.t, d.org)
	if _, err := d.org.Functions().Agent().Call(ctx, "start_import", []byte(`{"connection":"salesforce"}`)); err == nil {
		d.t.Fatal("an agent started an import")
	}
	result, err := d.org.Functions().Do(ctx, functions.Request{Name: "start_import", Arguments: []byte(`{"connection":"salesforce"}`), IdempotencyKey: "k"})
	if err != nil {
		d.t.Fatal(err)
	}
	var run struct{ ID string }
	if err := result.Decode(&run); err != nil {
		d.t.Fatal(err)
	}
	ended(d.t, d.org, run.ID)
}

// ended waits until a run has ended.
func ended(t testing.TB, org *curatore.Organization, id string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		run, err := org.Run(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if run.FinishedAt != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run is %s", run.Status)
		}
	}
}

// An agent starts an import when a person has confirmed it; the run, the audit
// and the idempotency key are stored together.
func TestStartImportByAnAgent(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		c := open(t, curatore.Config{Database: databasetest.DSN(t, kind)})
		mine, theirs := organization(t, c, "mine"), organization(t, c, "theirs")
		agent := mine.Functions().Agent()
		request := functions.Request{Name: "start_import", Arguments: json.RawMessage(`{"connection":"salesforce"}`)}
		// Without files nobody is asked, and nothing is started.
		for _, fns := range []functions.Bound{agent, mine.Functions()} {
			_, err := fns.Do(t.Context(), request)
			var e *functions.Error
			if !errors.As(err, &e) || e.Code != functions.CodeInvalid || !strings.Contains(e.Message, "no files; give all parts of one export") {
				t.Fatalf("without files: %v", err)
			}
		}
		connect(t, mine)
		connect(t, theirs)
		_, err := agent.Do(t.Context(), request)
		var asked *functions.Error
		if !errors.As(err, &asked) || asked.Confirmation == nil {
			t.Fatal(err)
		}
		if page, err := mine.Runs(t.Context(), jobs.Query{}); err != nil || len(page.Runs) != 0 {
			t.Fatalf("unconfirmed: %v, %v", page, err)
		}
		request.Confirmation = asked.Confirmation.Token
		if _, err := theirs.Functions().Agent().Do(t.Context(), request); err == nil {
			t.Error("another organization used the confirmation")
		}
		result, err := agent.Do(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		var run struct{ ID, Status, Type string }
		if err := result.Decode(&run); err != nil || run.Type != "salesforce_import" {
			t.Fatal(run, err)
		}
		entries, err := mine.Audit(t.Context(), "", 0)
		if err != nil || len(entries) != 1 || entries[0].Function != "start_import" || !entries[0].Confirmed || entries[0].Caller != "agent" || entries[0].Outcome != "done" {
			t.Errorf("audit %+v, %v", entries, err)
		}
		if entries, err := theirs.Audit(t.Context(), "", 0); err != nil || len(entries) != 0 {
			t.Errorf("another organization reads the audit: %v, %v", entries, err)
		}
		ended(t, mine, run.ID)
		detail := call(t, mine, "get_run", args{"id": run.ID})
		if !strings.Contains(string(detail.Data), `"status":"failed"`) || !strings.Contains(string(detail.Data), `"created_by":"test"`) {
			t.Errorf("get_run: %s", detail.Data)
		}
		list := call(t, mine, "list_runs", args{"types": []string{"salesforce_import"}, "statuses": []string{"failed"}})
		if !strings.Contains(string(list.Data), run.ID) {
			t.Errorf("list_runs: %s", list.Data)
		}
		refused(t, theirs, functions.CodeNotFound, "", "get_run", args{"id": run.ID})
		if list := call(t, theirs, "list_runs", args{}); string(list.Data) != `{"runs":[]}` {
			t.Errorf("another organization lists %s", list.Data)
		}
		refused(t, mine, functions.CodeInvalid, "did you mean", "list_runs", args{"statuses": []string{"fialed"}})
	})
}

// What an organization switches off is gone for it at once, and for no other.
func TestSwitches(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		c := open(t, curatore.Config{Database: databasetest.DSN(t, kind)})
		mine, theirs := organization(t, c, "mine"), organization(t, c, "theirs")
		importExport(t, mine, salesforcetest.Options{Accounts: 3})
		importExport(t, theirs, salesforcetest.Options{Accounts: 3})
		works := func(org *curatore.Organization, name string, a args) bool {
			_, err := tryCall(t, org, name, a)
			return err == nil
		}
		query := args{"model": "salesforce_account"}
		if !works(mine, "search_salesforce", args{}) || !works(mine, "query_model", query) {
			t.Fatal("nothing works")
		}
		if err := mine.SwitchConnection(t.Context(), "salesforce", false); err != nil {
			t.Fatal(err)
		}
		connect(t, mine)
		for name, a := range map[string]args{"search_salesforce": {}, "query_model": query, "start_import": {"connection": "salesforce"}} {
			if works(mine, name, a) {
				t.Errorf("%s works", name)
			}
		}
		for _, f := range mine.Functions().List() {
			if f.Name() == "search_salesforce" {
				t.Error("search_salesforce is listed")
			}
		}
		if found := call(t, mine, "search", args{"query": "account"}); *found.Metadata.Total != 0 {
			t.Errorf("search finds %s", found.Data)
		}
		if !works(theirs, "search_salesforce", args{}) || !works(theirs, "query_model", query) {
			t.Error("another organization lost it, too")
		}
		if err := mine.SwitchConnection(t.Context(), "salesforce", true); err != nil {
			t.Fatal(err)
		}
		if err := mine.SwitchFunction(t.Context(), "query_model", false); err != nil {
			t.Fatal(err)
		}
		if works(mine, "query_model", query) || !works(mine, "search_salesforce", args{}) {
			t.Error("the switches are mixed up")
		}
		if off, err := mine.SwitchedOff(t.Context()); err != nil || len(off.Connections) != 0 || !off.Functions["query_model"] {
			t.Errorf("off: %+v, %v", off, err)
		}
		for _, err := range []error{mine.SwitchConnection(t.Context(), "ghost", false), mine.SwitchFunction(t.Context(), "ghost", false)} {
			if !errors.Is(err, content.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestOrganizationByKey(t *testing.T) {
	c := open(t, curatore.Config{Database: databasetest.DSN(t, database.SQLite)})
	mine, theirs := organization(t, c, "mine"), organization(t, c, "theirs")
	for _, k := range []struct {
		scopes []string
		writes bool
		lists  bool
	}{{[]string{apikeys.Read}, false, true}, {[]string{apikeys.Read, apikeys.Write}, true, true}, {[]string{"backup"}, false, false}} {
		text, made, err := mine.CreateKey(t.Context(), apikeys.Request{Principal: "robot", Scopes: k.scopes})
		if err != nil {
			t.Fatal(err)
		}
		org, key, err := c.OrganizationByKey(t.Context(), text)
		if err != nil || org.Name() != "mine" || org.Scope().Principal() != "robot" || key.ID != made.ID {
			t.Fatal(org, key, err)
		}
		_, writes := org.Functions().Function("start_import")
		if lists := len(org.Functions().List()) > 0; writes != k.writes || lists != k.lists {
			t.Errorf("%v: writes %v, lists %v", k.scopes, writes, lists)
		}
		if err := theirs.RevokeKey(t.Context(), made.ID); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("another organization: %v", err)
		}
		if err := mine.RevokeKey(t.Context(), made.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.OrganizationByKey(t.Context(), text); !errors.Is(err, apikeys.ErrRefused) {
			t.Errorf("revoked: %v", err)
		}
	}
	if list, err := mine.Keys(t.Context()); err != nil || len(list) != 3 {
		t.Errorf("%d keys, %v", len(list), err)
	}
	text, _, err := theirs.CreateKey(t.Context(), apikeys.Request{Principal: "p", Scopes: []string{apikeys.Read}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteOrganization(t.Context(), "theirs"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.OrganizationByKey(t.Context(), text); !errors.Is(err, apikeys.ErrRefused) {
		t.Errorf("the key of an organization that is gone: %v", err)
	}
}

// An export is a CSV file below the organization's own part of the object store.
func TestExportQuery(t *testing.T) {
	objects := objectDir(t)
	c := open(t, curatore.Config{Database: databasetest.DSN(t, database.SQLite), Objects: objects})
	mine := organization(t, c, "mine")
	importExport(t, mine, salesforcetest.Options{Accounts: 30})
	result := call(t, mine, "export_query", args{"model": "salesforce_account", "select": []string{"id", "name"}})
	var out struct {
		Key, Filename string
		Rows          int
		Size          int64
	}
	if err := result.Decode(&out); err != nil {
		t.Fatal(err)
	}
	body, info, err := objects.Get(t.Context(), out.Key, blob.Range{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := csv.NewReader(body).ReadAll()
	if err != nil || len(table) != 31 || out.Rows != 30 || info.Filename != out.Filename || !strings.HasPrefix(info.ContentType, "text/csv") {
		t.Errorf("%d lines, %+v, %+v, %v", len(table), out, info, err)
	}
	if err := body.Close(); err != nil {
		t.Error(err)
	}
	if entries, err := mine.Audit(t.Context(), "", 0); err != nil || len(entries) != 1 || entries[0].Function != "export_query" {
		t.Errorf("audit %v, %v", entries, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mine.Functions().Call(ctx, "export_query", []byte(`{"model":"salesforce_account"}`)); err == nil {
		t.Error("a cancelled export succeeded")
	}
}

// start_import offers the connections that may begin without files, and is not
// there without any.
func TestStartImportOffersWhatCanStart(t *testing.T) {
	shelf := func(name, files string) *connectors.Connection {
		return connectors.New(connectors.Spec[struct{}]{Name: name, Label: "Shelf", Types: []*content.Type{bookType(name + "_book")}, Files: files,
			Open: func(context.Context, connectors.Input[struct{}]) (connectors.Session, error) {
				return connectors.Streams{}, nil
			}})
	}
	offered := func(all ...*connectors.Connection) string {
		c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, database.SQLite)}, all...)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		f, there := organization(t, c, "acme").Functions().Function("start_import")
		if !there {
			return ""
		}
		if needs := f.Spec().Needs; !slices.Equal(needs, []string{"cloud_book"}) {
			t.Errorf("it needs %v", needs)
		}
		return string(f.InputSchema())
	}
	if got := offered(shelf("boxes", "one box"), shelf("cloud", "")); !strings.Contains(got, `"enum":["cloud"]`) {
		t.Errorf("offered: %s", got)
	}
	if got := offered(shelf("boxes", "one box")); got != "" {
		t.Errorf("offered without a connection that can start: %s", got)
	}
}
