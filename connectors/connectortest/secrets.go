package connectortest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/database"
)

// secrets looks through all that the checks before it left, after one more import
// in which the service answers with what it was sent.
func (x *suite) secrets() {
	if len(x.Canaries) == 0 {
		x.t.Fatal("the subject names no Canaries, so nothing is looked for")
	}
	x.round(nil)
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusInternalServerError} {
		x.spoiler.set(func(_ int, req *http.Request) (*http.Response, error) {
			var sent strings.Builder
			fmt.Fprint(&sent, req.URL, req.Header)
			if req.Body != nil {
				_, _ = io.Copy(&sent, req.Body)
			}
			return answer(req, status, nil, text(sent.String())), nil
		})
		task := x.Task()
		_, err := x.Engine.Import(context.Background(), task, x.Connection, x.files(), x.Options)
		task.End("failed")
		x.log.note(fmt.Sprintf("%v %+v %#v", err, err, err))
		checks, err := x.Engine.Test(context.Background(), x.Scope, x.Connection, x.Options)
		x.log.note(fmt.Sprintf("%+v %v", checks, err))
	}
	x.spoiler.set(nil)
	all := x.log.String() + strings.Join(x.State(), "\n") + x.everything()
	for _, canary := range x.Canaries {
		for _, form := range []string{canary, url.QueryEscape(canary), url.PathEscape(canary), base64.StdEncoding.EncodeToString([]byte(canary))} {
			if at := strings.Index(all, form); at >= 0 {
				x.t.Errorf("a secret shows: …%q…", all[max(0, at-100):min(len(all), at+len(form)+40)])
			}
		}
	}
}

// everything is what stands in all tables and objects.
func (x *suite) everything() string {
	x.t.Helper()
	list := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE ?"
	if x.DB.Dialect().Name() == database.Postgres {
		list = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name NOT LIKE ?"
	}
	var all strings.Builder
	for _, table := range x.texts("", list, "sqlite_%") {
		all.WriteString(strings.Join(x.texts("", `SELECT * FROM "`+table+`"`), "\n"))
	}
	for info, err := range x.objects.List(context.Background(), "", "") {
		if err != nil {
			x.t.Fatal(err)
		}
		fmt.Fprintf(&all, "%+v\n", info)
		r, _, err := x.objects.Get(context.Background(), info.Key, blob.Range{})
		if err != nil {
			x.t.Fatal(err)
		}
		_, err = io.Copy(&all, r)
		if err := errors.Join(err, r.Close()); err != nil {
			x.t.Fatal(err)
		}
	}
	return all.String()
}
