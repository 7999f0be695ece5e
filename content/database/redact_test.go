package database_test

import (
	"context"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content/database"
)

func TestRedactHidesEveryPassword(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://me:secret@host:5432/db":                    "postgres://me:xxxxx@host:5432/db",
		"postgres://me@host/db":                                "postgres://me@host/db",
		"postgres://host/db?user=me&password=secret&sslmode=x": "postgres://host/db?user=me&password=xxxxx&sslmode=x",
		"postgres://me:secret@host/db?password=secret":         "postgres://me:xxxxx@host/db?password=xxxxx",
		"postgres://host/db?sslpassword=secret":                "postgres://host/db?sslpassword=xxxxx",
		"postgres://host/db?PassWord=secret":                   "postgres://host/db?PassWord=xxxxx",
		"postgres://me:secret%zz@host/db":                      "postgres://me:xxxxx@host/db",
		"postgres://me:sec/ret@host/db":                        "postgres://me:xxxxx@host/db",
		"postgres://me:sec@ret:@host/db":                       "postgres://me:xxxxx@host/db",
		"postgres://me:secret@[::1]:99/db":                     "postgres://me:xxxxx@[::1]:99/db",
		"postgres:me:secret@host/db":                           "postgres:me:xxxxx@host/db",
		"postgres://:secret@host/db":                           "postgres://:xxxxx@host/db",
		"host=x user=me password=secret dbname=y":              "host=x user=me password=xxxxx dbname=y",
		"host=x password = 'sec ret' dbname=y":                 "host=x password = xxxxx dbname=y",
		"sqlite:curatore.db":                                   "sqlite:curatore.db",
		"sqlite:/a folder/with@sign.db":                        "sqlite:/a folder/with@sign.db",
		"":                                                     "",
	} {
		if got := database.Redact(dsn); got != want {
			t.Errorf("%s is shown as %s, want %s", dsn, got, want)
		}
	}
}

func TestOpenRefusesBadAddressesWithoutTellingThePassword(t *testing.T) {
	missing := t.TempDir() + "/not/there.db"
	for dsn, want := range map[string]string{
		"":                                 "use sqlite:PATH or postgres://",
		"curatore.db":                      "use sqlite:PATH or postgres://",
		"mysql://me:secret@host/db":        "use sqlite:PATH or postgres://",
		"sqlite:":                          "give a file",
		"sqlite::memory:":                  "give a file",
		"sqlite:x.db?mode=memory":          "give a file",
		"sqlite:x.db?_pragma=synchronous":  "options after ? are not taken",
		"sqlite:" + missing:                "does not exist; create it first",
		"sqlite:" + t.TempDir():            "open database sqlite:",
		"postgres:me:secret@host/db":       "write a Postgres address as",
		"host=x password=secret":           "use sqlite:PATH or postgres://",
		"postgres://me:secret@host:port/x": "it is not a URL",
		"postgres://me:sec/ret@host/x":     "it is not a URL",
		"postgres://me:secret%zz@host/x":   "it is not a URL",
		"postgres://me:secret@127.0.0.1:1/x?sslmode=disable": "connection refused",
		"postgres://me:secret@127.0.0.1:1/x?sslmode=what":    "sslmode",
	} {
		db, err := database.Open(context.Background(), dsn, database.Options{})
		if err == nil {
			t.Errorf("%s opens", dsn)
			_ = db.Close()
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "sec") {
			t.Errorf("%s: %v; want %q and no password", dsn, err, want)
		}
	}
}
