// Package keys gives programs and clients a way in: an API key that stands for
// one principal of one organization.
//
// A password in a configuration file is for ever, for everything, and known to
// whoever reads the database. A key of this package has an end, says what it is
// for, can be revoked, and is stored as a hash: the key itself is shown once,
// when it is made.
package keys

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// The scopes that this module knows. A program may use words of its own beside
// them.
const (
	Read  = "read"  // read records, search, call functions that read
	Write = "write" // start imports, call functions that write
	Admin = "admin" // make and revoke keys, switch things off
)

// A Store makes, checks and revokes keys. DB and Authority are required. It is
// safe for concurrent use, in many processes.
type Store struct {
	DB        *database.DB // with the core's tables
	Authority *content.Authority
	Now       func() time.Time // nil is time.Now
}

// A Key is what is known of one. It does not hold the key itself.
type Key struct {
	ID         string     `json:"id"`        // UUIDv7, for Revoke
	Prefix     string     `json:"prefix"`    // how the key begins, for people to tell keys apart
	Principal  string     `json:"principal"` // who acts with it
	Label      string     `json:"label"`     // what it is for
	Scopes     []string   `json:"scopes"`    // sorted
	CreatedBy  string     `json:"created_by"`
	CreatedAt  time.Time  `json:"created_at"`
	ExpiresAt  *time.Time `json:"expires_at"`   // nil is never
	RevokedAt  *time.Time `json:"revoked_at"`   // nil while it is good
	LastUsedAt *time.Time `json:"last_used_at"` // to the hour; nil while it has not been
}

// Allows reports whether the key has a scope.
func (k Key) Allows(scope string) bool { return slices.Contains(k.Scopes, scope) }

// A Request says what a new key is for.
type Request struct {
	Principal string        // who acts with it; required
	Label     string        // for people; it may be empty
	Scopes    []string      // at least one: lower-case words
	ValidFor  time.Duration // 0 is for ever
}

var (
	scopeForm = regexp.MustCompile(`^[a-z][a-z0-9_.:-]{0,39}$`)
	base      = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
)

const (
	mark      = "cur_" // by which scanners for leaked secrets know one
	prefixLen = 16     // of base32: 80 bits, unique
	maxText   = 200
)

// check names everything that is wrong with a request.
func (r Request) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w key: "+format, append([]any{content.ErrInvalid}, args...)...))
	}
	if r.Principal == "" || !plain(r.Principal) {
		wrong("the principal must be 1 to %d bytes of text", maxText)
	}
	if !plain(r.Label) {
		wrong("the label must be at most %d bytes of text", maxText)
	}
	if len(r.Scopes) == 0 || len(r.Scopes) > 50 {
		wrong("it needs 1 to 50 scopes, such as %q", Read)
	}
	for _, s := range r.Scopes {
		if !scopeForm.MatchString(s) {
			wrong("the scope %.60q is no lower-case word", s)
		}
	}
	if r.ValidFor < 0 {
		wrong("it is valid for %s; 0 is for ever", r.ValidFor)
	}
	return errors.Join(errs...)
}

func plain(text string) bool {
	return len(text) <= maxText && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// Create makes a key for the Scope's organization. The text is the key, 256
// random bits behind a prefix: it is shown this once and cannot be read again.
// It is the caller's business to know that the Scope's principal may make it.
func (s *Store) Create(ctx context.Context, scope content.Scope, r Request) (text string, key Key, err error) {
	organization, err := s.Authority.Organization(scope)
	if err != nil {
		return "", Key{}, err
	}
	if err := r.check(); err != nil {
		return "", Key{}, err
	}
	var bits [10 + 32]byte
	_, _ = rand.Read(bits[:]) // it never fails
	prefix := mark + base.EncodeToString(bits[:10])
	text = prefix + "_" + base64.RawURLEncoding.EncodeToString(bits[10:])
	now := s.now()
	key = Key{ID: uuid.Must(uuid.NewV7()).String(), Prefix: prefix, Principal: r.Principal, Label: r.Label,
		Scopes: slices.Compact(slices.Sorted(slices.Values(r.Scopes))), CreatedBy: scope.Principal(), CreatedAt: now}
	if r.ValidFor > 0 {
		end := now.Add(r.ValidFor)
		key.ExpiresAt = &end
	}
	scopes, err := json.Marshal(key.Scopes)
	if err != nil {
		return "", Key{}, err
	}
	err = s.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		var expires any
		if key.ExpiresAt != nil {
			expires = tx.Dialect().Time(*key.ExpiresAt)
		}
		_, err := tx.Exec(ctx, "INSERT INTO api_keys (id, organization_id, prefix, hash, principal, label, scopes, created_by, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			key.ID, organization, prefix, hashOf(text), key.Principal, key.Label, string(scopes), key.CreatedBy, tx.Dialect().Time(now), expires)
		return err
	})
	if err != nil {
		return "", Key{}, fmt.Errorf("make a key: %w", err)
	}
	return text, key, nil
}

// ErrRefused is why a key is not accepted; what is wrong with it is not told. It
// wraps content.ErrScope.
var ErrRefused = fmt.Errorf("%w: the key is not accepted", content.ErrScope)

// Verify returns on whose behalf somebody with a key acts, and what the key is
// for. A key that does not exist, was revoked or has expired is ErrRefused; any
// other error means that it could not be looked up. Where nothing can be written its
// use is not noted.
func (s *Store) Verify(ctx context.Context, text string) (content.Scope, Key, error) {
	prefix, ok := prefixOf(text)
	if !ok {
		return content.Scope{}, Key{}, ErrRefused
	}
	now := s.now()
	var row stored
	err := s.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return row.scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM api_keys WHERE prefix = ?", prefix))
	})
	missing := errors.Is(err, sql.ErrNoRows) || errors.Is(err, content.ErrNotFound)
	if err != nil && !missing {
		return content.Scope{}, Key{}, fmt.Errorf("look up a key: %w", err)
	}
	if missing {
		row.hash = make([]byte, sha256.Size) // compared all the same, so that it takes as long
	}
	good := subtle.ConstantTimeCompare(row.hash, hashOf(text)) == 1
	if missing || !good || row.RevokedAt != nil || row.ExpiresAt != nil && !now.Before(*row.ExpiresAt) {
		return content.Scope{}, Key{}, ErrRefused
	}
	if row.LastUsedAt == nil || now.Sub(*row.LastUsedAt) >= time.Hour {
		err := s.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE api_keys SET last_used_at = ? WHERE id = ?", tx.Dialect().Time(now), row.ID)
			return err
		})
		switch {
		case err == nil:
			row.LastUsedAt = &now
		case !errors.Is(err, content.ErrNoWrites): // a replica and a full disk can still be read
			return content.Scope{}, Key{}, fmt.Errorf("note the use of a key: %w", err)
		}
	}
	return s.Authority.Mint(row.organization, row.Principal), row.Key, nil
}

// prefixOf returns how a key begins, if it has the form of one.
func prefixOf(text string) (string, bool) {
	end := len(mark) + prefixLen
	if len(text) != end+1+43 || !strings.HasPrefix(text, mark) || text[end] != '_' {
		return "", false
	}
	for _, c := range text {
		if c <= ' ' || c > '~' {
			return "", false
		}
	}
	return text[:end], true
}

func hashOf(text string) []byte {
	hash := sha256.Sum256([]byte(text))
	return hash[:]
}

// Revoke makes a key of the Scope's organization worthless, at once. Revoking it
// again changes nothing; one of another organization is content.ErrNotFound.
func (s *Store) Revoke(ctx context.Context, scope content.Scope, id string) error {
	organization, err := s.Authority.Organization(scope)
	if err != nil {
		return err
	}
	if !plain(id) {
		return fmt.Errorf("key %.60q: %w", id, content.ErrNotFound)
	}
	return s.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE organization_id = ? AND id = ?", tx.Dialect().Time(s.now()), organization, id)
		if err == nil && n == 0 {
			return fmt.Errorf("key %.60q: %w", id, content.ErrNotFound)
		}
		return err
	})
}

// List returns the keys of the Scope's organization, the newest first, those
// that were revoked or have expired included.
func (s *Store) List(ctx context.Context, scope content.Scope) (all []Key, err error) {
	organization, err := s.Authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	err = s.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		rows, err := tx.Query(ctx, "SELECT "+columns+" FROM api_keys WHERE organization_id = ? ORDER BY id DESC", organization)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var row stored
			if err := row.scan(rows); err != nil {
				return err
			}
			all = append(all, row.Key)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return all, nil
}

// stored is a row.
type stored struct {
	Key
	organization string
	hash         []byte
}

const columns = "id, organization_id, prefix, hash, principal, label, scopes, created_by, created_at, expires_at, revoked_at, last_used_at"

func (r *stored) scan(row interface{ Scan(dest ...any) error }) error {
	var scopes []byte
	err := row.Scan(&r.ID, &r.organization, &r.Prefix, &r.hash, &r.Principal, &r.Label, &scopes, &r.CreatedBy, database.ScanTime(&r.CreatedAt),
		database.ScanNullTime(&r.ExpiresAt), database.ScanNullTime(&r.RevokedAt), database.ScanNullTime(&r.LastUsedAt))
	if err != nil {
		return err
	}
	return json.Unmarshal(scopes, &r.Scopes)
}

func (s *Store) now() time.Time {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	return now().UTC().Truncate(time.Microsecond)
}
