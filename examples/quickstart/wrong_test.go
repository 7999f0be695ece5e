package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Wrong usage is told in one line, with status 2, and creates nothing. With -json
// there is an object all the same.
func TestWrongUsage(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	zip := filepath.Join(t.TempDir(), "some.zip")
	if err := os.WriteFile(zip, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		says string
	}{
		{"-x", "-x"},
		{"-limit", "-limit"},
		{"-limit many", "many"},
		{"-limit 0", "1 to 100"},
		{"-limit 101", "101"},
		{"-limit -1", "1 to 100"},
		{"-json=perhaps", "perhaps"},
		{"-db=", "sqlite:FILE"},
		{"-db crm.db", `"crm.db"`},
		{"-db mysql://localhost/crm", "postgres://"},
		{"-db password=secret", `"password=…"`},
		{"-org=", "-org"},
		{"-org " + strings.Repeat("x", 201), "201 bytes"},
		{"missing.zip", "missing.zip"},
		{"-dry-run .", "not a file"},
		{zip + " missing.zip", "missing.zip"},
		{zip + " -json", "flags come first"},
	} {
		e := quickstart(t, strings.Fields(tt.args)...).failed(t, 2, tt.says)
		if e.stdout != "" {
			t.Errorf("%s: stdout %q", tt.args, e.stdout)
		}
		if made, err := os.ReadDir(dir); err != nil || len(made) > 0 {
			t.Fatalf("%s: made %v, %v", tt.args, made, err)
		}
	}
	for _, tt := range []struct{ args, says string }{{"-json -limit 0", "1 to 100"}, {"-json missing.zip", "missing.zip"}, {"-json -x", "-x"}, {"-json -org \xff", "text"}} {
		form := quickstart(t, strings.Fields(tt.args)...).failed(t, 2, tt.says).json(t)
		if form.Run != nil || form.Total != 0 || len(form.Functions) != 0 {
			t.Errorf("%s: %+v", tt.args, form)
		}
	}
	e := quickstart(t, "-h")
	if e.status != 0 || e.stdout != "" || !strings.HasPrefix(e.stderr, "usage: quickstart [-db DSN] [-org NAME] [-q QUERY] [-limit N] [-force] [-dry-run] [-json] [EXPORT.ZIP ...]\n") {
		t.Errorf("%+v", e)
	}
}

// A database that cannot be opened is told in one line; with -json there is one
// object in spite of it.
func TestNoDatabase(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for db, says := range map[string]string{
		"sqlite:":         "give a file",
		"sqlite::memory:": "give a file",
		"sqlite:" + dir:   dir,
		"sqlite:" + filepath.Join(dir, "no", "x.db"): "does not exist",
		"sqlite:" + text:                       "not a database",
		"postgres://me:secret@127.0.0.1:1/crm": "connection refused",
	} {
		e := quickstart(t, "-db", db).failed(t, 1, says)
		if e.stdout != "" || strings.Contains(e.stderr, "secret") {
			t.Errorf("%s: %+v", db, e)
		}
		form := quickstart(t, "-db", db, "-json").failed(t, 1, says).json(t)
		if form.Run != nil || form.Total != 0 {
			t.Errorf("%s: %+v", db, form)
		}
	}
}

// An import that fails is a run that failed: status 1, its counts, and its error
// on stderr and in the object.
func TestFailedImport(t *testing.T) {
	dir := t.TempDir()
	db := "sqlite:" + filepath.Join(dir, "test.db")
	account := salesforcetest.Entry{Name: "Account.csv", Content: salesforcetest.CSV([]string{"Id", "Name"}, []string{salesforcetest.ID("001", 1), "A"})}
	for _, tt := range []struct {
		name string
		data []byte
		says string
	}{
		{"text.zip", []byte("hello"), "not a zip"},
		{"truncated.zip", salesforcetest.Truncated(salesforcetest.Zip(account)), "truncated.zip"},
		{"encrypted.zip", salesforcetest.Encrypted(account), "encrypted"},
		{"other.zip", salesforcetest.Zip(salesforcetest.Entry{Name: "Lead.csv", Content: "\"Id\"\n"}), "Account"},
		{"noid.zip", salesforcetest.Zip(salesforcetest.Entry{Name: "Account.csv", Content: "\"Name\"\n\"A\"\n"}), "Id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(dir, tt.name)
			if err := os.WriteFile(file, tt.data, 0o600); err != nil {
				t.Fatal(err)
			}
			e := quickstart(t, "-db", db, file).failed(t, 1, tt.says)
			if !strings.Contains(e.stdout, ": failed\n") || strings.Contains(e.stdout, "Search") {
				t.Errorf("stdout: %s", e.stdout)
			}
			form := quickstart(t, "-db", db, "-json", file).failed(t, 1, tt.says).json(t)
			if form.Run == nil || form.Run.Status != "failed" || !strings.Contains(form.Run.Error, tt.says) || len(form.Functions) == 0 {
				t.Errorf("%+v", form)
			}
		})
	}
	file := filepath.Join(dir, "encrypted.zip")
	quickstart(t, "-db", db, file, file).failed(t, 1, "given twice")
}

// cancelling cancels a context when something was written to it that contains a
// text.
type cancelling struct {
	bytes.Buffer
	at     string
	cancel context.CancelFunc
}

func (w *cancelling) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if strings.Contains(w.String(), w.at) {
		w.cancel()
	}
	return n, err
}

// An interrupted import is a cancelled run; what it had stored stays.
func TestInterrupted(t *testing.T) {
	parts := export(t, salesforcetest.Options{Accounts: 3000, Contacts: 3000})
	eachDatabase(t, func(t *testing.T, db string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stdout, stderr := cancelling{at: "import started", cancel: cancel}, bytes.Buffer{}
		err := run(ctx, append([]string{"-db", db}, parts...), &stdout, &stderr)
		e := ended{exitStatus(err, &stderr), stdout.String(), stderr.String()}.failed(t, 1, "cancelled")
		if !strings.Contains(e.stdout, ": cancelled\n") {
			t.Errorf("stdout: %s", e.stdout)
		}
		org := organization(t, db, "acme")
		runs, err := org.Runs(t.Context(), jobs.Query{})
		if err != nil || len(runs.Runs) != 1 || runs.Runs[0].Status != jobs.Cancelled {
			t.Errorf("runs: %+v, %v", runs, err)
		}
		if n := stored(t, org); n["account"] == 3000 && n["contact"] == 3000 {
			t.Errorf("it had stored all: %v", n)
		}
	})
	t.Run("before it began", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var stdout, stderr bytes.Buffer
		e := quickstartTo(ctx, &stdout, &stderr, "-db", "sqlite:"+filepath.Join(t.TempDir(), "test.db"), "-json")
		e.failed(t, 1, "cancel").json(t)
	})
}
