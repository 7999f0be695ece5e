package curatore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/functions"
)

// offFor is how long what another process switches may go unnoticed.
const offFor = 2 * time.Second

// switches remembers what organizations have switched off, since it is asked at
// each call.
type switches struct {
	mu    sync.Mutex
	known map[string]knownOff // by organization
}

type knownOff struct {
	off functions.Off
	at  time.Time
}

// maxKnown bounds what is remembered.
const maxKnown = 10_000

// off returns what the Scope's organization has switched off.
func (c *Curator) off(scope content.Scope) (functions.Off, error) {
	organization, err := c.auth.Organization(scope)
	if err != nil {
		return functions.Off{}, err
	}
	now := time.Now()
	c.switches.mu.Lock()
	known, ok := c.switches.known[organization]
	c.switches.mu.Unlock()
	if ok && now.Sub(known.at) < offFor {
		return known.off, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	off, err := c.readOff(ctx, organization)
	if err != nil {
		return functions.Off{}, err
	}
	c.switches.remember(organization, knownOff{off, now})
	return off, nil
}

func (s *switches) remember(organization string, known knownOff) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) >= maxKnown {
		s.known = map[string]knownOff{}
	}
	s.known[organization] = known
}

func (s *switches) forget(organization string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, organization)
}

func (c *Curator) readOff(ctx context.Context, organization string) (off functions.Off, err error) {
	off = functions.Off{Connections: map[string]bool{}, Functions: map[string]bool{}}
	err = c.db.Read(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		rows, err := tx.Query(ctx, "SELECT kind, name FROM switched_off WHERE organization_id = ?", organization)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var kind, name string
			if err := rows.Scan(&kind, &name); err != nil {
				return err
			}
			if kind == "connection" {
				off.Connections[name] = true
			} else {
				off.Functions[name] = true
			}
		}
		return rows.Err()
	})
	if err != nil {
		return functions.Off{}, fmt.Errorf("read what is switched off: %w", err)
	}
	return off, nil
}

// SwitchConnection switches a connection on or off for the organization. While
// it is off its functions are neither listed nor callable, and other functions
// leave its records out; the records stay, and so does what the program itself
// does with them. Other processes notice within two seconds.
func (o *Organization) SwitchConnection(ctx context.Context, name string, on bool) error {
	if _, err := o.c.connection(name); err != nil {
		return err
	}
	return o.switchTo(ctx, "connection", name, on)
}

// SwitchFunction switches a function on or off for the organization, as
// SwitchConnection does. A function that does not exist is content.ErrInvalid.
func (o *Organization) SwitchFunction(ctx context.Context, name string, on bool) error {
	for _, f := range o.c.engine.Functions() {
		if f.Name() == name {
			return o.switchTo(ctx, "function", name, on)
		}
	}
	return fmt.Errorf("%w: there is no function %.60q", content.ErrInvalid, name)
}

// SwitchedOff returns what the organization has switched off.
func (o *Organization) SwitchedOff(ctx context.Context) (functions.Off, error) {
	organization, err := o.c.auth.Organization(o.scope)
	if err != nil {
		return functions.Off{}, err
	}
	return o.c.readOff(ctx, organization)
}

func (o *Organization) switchTo(ctx context.Context, kind, name string, on bool) error {
	organization, err := o.c.auth.Organization(o.scope)
	if err != nil {
		return err
	}
	defer o.c.switches.forget(organization)
	return o.c.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		statement := "INSERT INTO switched_off (organization_id, kind, name) VALUES (?, ?, ?) ON CONFLICT (organization_id, kind, name) DO NOTHING"
		if on {
			statement = "DELETE FROM switched_off WHERE organization_id = ? AND kind = ? AND name = ?"
		}
		_, err := tx.Exec(ctx, statement, organization, kind, name)
		return err
	})
}
