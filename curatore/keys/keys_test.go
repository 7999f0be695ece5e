package keys_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/keys"
)

type world struct {
	store        *keys.Store
	mine, theirs content.Scope
	now          time.Time
}

func run(t *testing.T, test func(t *testing.T, w *world)) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		authority := content.NewAuthority()
		w := &world{mine: authority.Mint("org-1", "admin"), theirs: authority.Mint("org-2", "admin"), now: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)}
		w.store = &keys.Store{DB: db, Authority: authority, Now: func() time.Time { return w.now }}
		err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for _, id := range []string{"org-1", "org-2"} {
				if _, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", id, id, tx.Dialect().Time(w.now)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		test(t, w)
	})
}

func (w *world) create(t *testing.T, r keys.Request) (string, keys.Key) {
	t.Helper()
	text, key, err := w.store.Create(t.Context(), w.mine, r)
	if err != nil {
		t.Fatal(err)
	}
	return text, key
}

func TestKeys(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		text, key := w.create(t, keys.Request{Principal: "crawler", Label: "for the crawler", Scopes: []string{keys.Write, keys.Read, keys.Read}, ValidFor: 48 * time.Hour})
		if !strings.HasPrefix(text, key.Prefix+"_") || len(text) != 64 || !strings.HasPrefix(key.Prefix, "cur_") {
			t.Errorf("key %s with prefix %s", text, key.Prefix)
		}
		if !key.Allows(keys.Read) || !key.Allows(keys.Write) || key.Allows(keys.Admin) || len(key.Scopes) != 2 || key.CreatedBy != "admin" {
			t.Errorf("key %+v", key)
		}
		scope, found, err := w.store.Verify(t.Context(), text)
		if err != nil || scope.Principal() != "crawler" {
			t.Fatal(scope, err)
		}
		if org, err := w.store.Authority.Organization(scope); err != nil || org != "org-1" {
			t.Errorf("it acts for %s, %v", org, err)
		}
		used := w.now
		key.LastUsedAt = &used
		if diff := cmp.Diff(key, found); diff != "" {
			t.Errorf("(-made +found):\n%s", diff)
		}
		w.now = w.now.Add(30 * time.Minute)
		if _, again, err := w.store.Verify(t.Context(), text); err != nil || !again.LastUsedAt.Equal(used) {
			t.Errorf("within the hour: %v, %v", again.LastUsedAt, err)
		}
		w.now = w.now.Add(time.Hour)
		if _, again, err := w.store.Verify(t.Context(), text); err != nil || !again.LastUsedAt.Equal(w.now) {
			t.Errorf("later: %v, %v", again.LastUsedAt, err)
		}
		list, err := w.store.List(t.Context(), w.mine)
		if err != nil || len(list) != 1 || list[0].ID != key.ID {
			t.Errorf("listed %v, %v", list, err)
		}
		if theirs, err := w.store.List(t.Context(), w.theirs); err != nil || len(theirs) != 0 {
			t.Errorf("another organization lists %v, %v", theirs, err)
		}
	})
}

func TestKeysThatAreRefused(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		request := keys.Request{Principal: "p", Scopes: []string{keys.Read}}
		good, key := w.create(t, request)
		revoked, revokedKey := w.create(t, request)
		if err := w.store.Revoke(t.Context(), w.mine, revokedKey.ID); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(time.Minute)
		if err := w.store.Revoke(t.Context(), w.mine, revokedKey.ID); err != nil {
			t.Errorf("revoked again: %v", err)
		}
		short, _ := w.create(t, keys.Request{Principal: "p", Scopes: []string{keys.Read}, ValidFor: time.Minute})
		w.now = w.now.Add(time.Minute)
		other, _ := w.create(t, request)
		for name, text := range map[string]string{
			"revoked": revoked, "expired": short, "empty": "", "cut": good[:len(good)-1], "longer": good + "x", "the prefix": key.Prefix,
			"the secret of another": key.Prefix + other[len(key.Prefix):], "made up": "cur_" + strings.Repeat("a", 16) + "_" + strings.Repeat("b", 43),
			"other letters": strings.Replace(good, "_", "\x00", 2), "upper case": strings.ToUpper(good), "no text": "cur_\xff" + good[5:],
		} {
			scope, found, err := w.store.Verify(t.Context(), text)
			if !errors.Is(err, keys.ErrRefused) || !errors.Is(err, content.ErrScope) || scope != (content.Scope{}) || found.ID != "" {
				t.Errorf("%s: %v, %v", name, scope, err)
			}
			if text != "" && strings.Contains(err.Error(), text) {
				t.Errorf("%s: the error shows the key: %v", name, err)
			}
		}
		if _, _, err := w.store.Verify(t.Context(), good); err != nil {
			t.Error(err)
		}
		list, err := w.store.List(t.Context(), w.mine)
		if err != nil || len(list) != 4 || list[2].RevokedAt == nil || !list[2].RevokedAt.Equal(w.now.Add(-2*time.Minute)) {
			t.Errorf("listed %v, %v", list, err)
		}
	})
}

// An organization can neither see nor revoke a key of another one.
func TestKeysOfAnotherOrganization(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		text, key := w.create(t, keys.Request{Principal: "p", Scopes: []string{keys.Read}})
		for _, id := range []string{key.ID, "", "\x00", "none"} {
			if err := w.store.Revoke(t.Context(), w.theirs, id); !errors.Is(err, content.ErrNotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
		if _, _, err := w.store.Verify(t.Context(), text); err != nil {
			t.Errorf("it was revoked: %v", err)
		}
		for _, scope := range []content.Scope{{}, content.NewAuthority().Mint("org-1", "forged")} {
			if _, _, err := w.store.Create(t.Context(), scope, keys.Request{Principal: "p", Scopes: []string{keys.Read}}); !errors.Is(err, content.ErrScope) {
				t.Errorf("create: %v", err)
			}
			if _, err := w.store.List(t.Context(), scope); !errors.Is(err, content.ErrScope) {
				t.Errorf("list: %v", err)
			}
			if err := w.store.Revoke(t.Context(), scope, key.ID); !errors.Is(err, content.ErrScope) {
				t.Errorf("revoke: %v", err)
			}
		}
	})
}

func TestWrongRequests(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		_, _, err := w.store.Create(t.Context(), w.mine, keys.Request{Label: "\xff", Scopes: []string{"Read All"}, ValidFor: -1})
		for _, want := range []string{"the principal must be", "the label must be", `the scope "Read All" is no lower-case word`, "0 is for ever"} {
			if !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v lacks %q", err, want)
			}
		}
		if _, _, err := w.store.Create(t.Context(), w.mine, keys.Request{Principal: "p"}); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("without scopes: %v", err)
		}
	})
}

// The database holds nothing from which a key could be made.
func TestKeysAreNotStored(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		text, key := w.create(t, keys.Request{Principal: "p", Scopes: []string{keys.Read}})
		var hash []byte
		err := w.store.DB.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return tx.QueryRow(ctx, "SELECT hash FROM api_keys WHERE id = ?", key.ID).Scan(&hash)
		})
		if err != nil || len(hash) != 32 || strings.Contains(string(hash), text[len(key.Prefix)+1:]) {
			t.Errorf("stored %x, %v", hash, err)
		}
	})
}

// On a server that takes no writes, such as a replica, keys are good all the same.
func TestKeysOfAReadOnlyServer(t *testing.T) {
	dsn := databasetest.DSN(t, database.Postgres)
	opened := func(options string) *keys.Store {
		db, err := database.Open(t.Context(), dsn+options, database.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return &keys.Store{DB: db, Authority: content.NewAuthority()}
	}
	primary := opened("")
	err := primary.DB.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", "org-1", "org-1", tx.Dialect().Time(time.Now()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := primary.Create(t.Context(), primary.Authority.Mint("org-1", "admin"), keys.Request{Principal: "reader", Scopes: []string{keys.Read}})
	if err != nil {
		t.Fatal(err)
	}
	replica := opened("&default_transaction_read_only=on")
	scope, key, err := replica.Verify(t.Context(), text)
	if err != nil || scope.Principal() != "reader" || key.LastUsedAt != nil {
		t.Errorf("%v, %+v, %v", scope, key, err)
	}
	if err := replica.Revoke(t.Context(), replica.Authority.Mint("org-1", "admin"), key.ID); !errors.Is(err, content.ErrNoWrites) {
		t.Errorf("it takes writes: %v", err)
	}
}
