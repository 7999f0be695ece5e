package curatore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// objectsSuffix is added to the name of an SQLite file for the directory beside it.
const objectsSuffix = "-objects"

// objectsDir returns the directory of objects beside an SQLite database, or "".
func objectsDir(dsn string) string {
	for _, scheme := range []string{"sqlite:", "sqlite3:", "file:"} {
		if path, ok := strings.CutPrefix(dsn, scheme); ok {
			return strings.TrimPrefix(path, "//") + objectsSuffix
		}
	}
	return ""
}

// hasObjects reports whether there is an object store.
func (c *Curator) hasObjects() bool {
	return c.config.Objects != nil || objectsDir(c.config.Database) != ""
}

// objects returns the object store, or content.ErrDisabled. The directory beside
// an SQLite database is made when it is first needed.
func (c *Curator) objects() (blob.Store, error) {
	if c.config.Objects != nil {
		return c.config.Objects, nil
	}
	dir := objectsDir(c.config.Database)
	if dir == "" {
		return nil, fmt.Errorf("%w: there is no object store; set Config.Objects", content.ErrDisabled)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == nil {
		if c.closed {
			return nil, errors.New("the Curator is closed")
		}
		s, err := dirblob.Open(dir, dirblob.Options{Now: c.config.Now})
		if err != nil {
			return nil, err
		}
		c.dir = s
	}
	return c.dir, nil
}

// tempObjects returns the store of files on their way to an import.
func (c *Curator) tempObjects() (blob.Store, error) {
	if c.config.TempObjects != nil {
		return c.config.TempObjects, nil
	}
	return c.objects()
}

// stores returns the stores that there are. The directory beside an SQLite
// database is not made for it.
func (c *Curator) stores() (all []blob.Store, err error) {
	if c.config.TempObjects != nil {
		all = append(all, c.config.TempObjects)
	}
	if c.config.Objects == nil {
		if _, err := os.Stat(objectsDir(c.config.Database)); err != nil {
			return all, nil
		}
	}
	s, err := c.objects()
	if err != nil {
		return nil, err
	}
	return append(all, s), nil
}

// closeObjects closes the store that the Curator has opened itself.
func (c *Curator) closeObjects() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == nil {
		return nil
	}
	return c.dir.Close()
}

// deleteObjects removes all objects of an organization.
func (c *Curator) deleteObjects(ctx context.Context, organization string) error {
	stores, err := c.stores()
	if err != nil {
		return err
	}
	for _, s := range stores {
		if _, err := blob.DeletePrefix(ctx, s, organization+"/"); err != nil {
			return fmt.Errorf("delete the organization's objects, below %s/: %w", organization, err)
		}
	}
	return nil
}

// The times of the sweep.
const (
	sweepEvery = time.Hour
	// orphanAge is how old a file must be that belongs to no run: its Import may
	// still be storing others.
	orphanAge = 24 * time.Hour
)

// keepSweeping removes files that nobody will read: all there are now, and each
// hour those that no run tells. The others are the concern of maintenance, each
// night.
func (c *Curator) keepSweeping(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for sweep := c.sweepObjects; ; sweep = c.sweepRemains {
		if n, err := sweep(ctx); err != nil && ctx.Err() == nil {
			c.logger().WarnContext(ctx, "the sweep of the object store failed; it is tried again in an hour", "error", err)
		} else if n > 0 {
			c.logger().InfoContext(ctx, "files that nobody will read were removed from the object store", "count", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sweepRemains removes local copies that a crash has left, and what is left of
// broken uploads. It returns how many there were.
func (c *Curator) sweepRemains(ctx context.Context) (n int, err error) {
	now := c.now()
	n, err = c.spill().Sweep(now)
	if c.config.SpillDir != "" { // connections keep theirs where temporary files are
		m, errOther := blob.Spill{}.Sweep(now)
		n, err = n+m, errors.Join(err, errOther)
	}
	stores, errStores := c.stores()
	errs := []error{err, errStores}
	for _, s := range stores {
		if sweeper, ok := s.(blob.Sweeper); ok {
			m, err := sweeper.Sweep(ctx, now.Add(-orphanAge))
			n, errs = n+m, append(errs, err)
		}
	}
	return n, errors.Join(errs...)
}

// sweepObjects does so, and removes files whose run has ended or never came to be.
func (c *Curator) sweepObjects(ctx context.Context) (n int, err error) {
	n, err = c.sweepRemains(ctx)
	errs := []error{err}
	var organizations []string
	if err := c.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &organizations, "SELECT id FROM organizations ORDER BY id")
	}); err != nil {
		return n, errors.Join(append(errs, err)...)
	}
	for _, o := range organizations {
		m, err := c.sweepOrganization(ctx, o)
		n, errs = n+m, append(errs, err)
	}
	return n, errors.Join(errs...)
}

// sweepTemporary is the part of maintenance.
func (c *Curator) sweepTemporary(ctx context.Context, task *jobs.Task) (n int, err error) {
	organization, err := c.auth.Organization(task.Scope())
	if err != nil {
		return 0, err
	}
	return c.sweepOrganization(ctx, organization)
}

// sweepOrganization removes the files of imports of an organization whose runs have
// ended or never came to be.
func (c *Curator) sweepOrganization(ctx context.Context, organization string) (n int, err error) {
	stores, err := c.stores()
	if err != nil || len(stores) == 0 {
		return 0, err
	}
	var errs []error
	for _, conn := range c.order {
		m, err := c.sweepUploads(ctx, stores[0], organization, conn.Name(), c.now())
		n, errs = n+m, append(errs, err)
	}
	return n, errors.Join(errs...)
}

// sweepUploads does so for the imports of one connection.
func (c *Curator) sweepUploads(ctx context.Context, s blob.Store, organization, connection string, now time.Time) (n int, err error) {
	prefix, err := blob.Key(organization, connection, "imports")
	if err != nil {
		return 0, nil // of an organization that no Import can have files of
	}
	prefix += "/"
	over := map[string]bool{} // by run
	for info, err := range s.List(ctx, prefix, "") {
		if err != nil {
			return n, err
		}
		run, _, _ := strings.Cut(strings.TrimPrefix(info.Key, prefix), "/")
		ended, known := over[run]
		if !known {
			if ended, err = c.runIsOver(ctx, organization, run, now.Sub(info.Modified)); err != nil {
				return n, err
			}
			over[run] = ended
		}
		if !ended {
			continue
		}
		if err := s.Delete(ctx, info.Key); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// runIsOver reports whether nobody will read the files of a run.
func (c *Curator) runIsOver(ctx context.Context, organization, id string, age time.Duration) (bool, error) {
	run, err := c.jobs.Get(ctx, c.auth.Mint(organization, "curatore"), id)
	if errors.Is(err, content.ErrNotFound) {
		return age > orphanAge, nil
	}
	return run.Status.Ended(), err
}

// objectText reads the text of a record whose type has it in an object. An object
// of another organization is not read, whatever the record says.
func (c *Curator) objectText(ctx context.Context, scope content.Scope, typ *content.Type, row content.Row) (string, error) {
	organization, err := c.auth.Organization(scope)
	if err != nil {
		return "", err
	}
	key, _ := typ.With(content.Object)[0].Value(row).(string)
	if key == "" {
		return "", nil
	}
	if !strings.HasPrefix(key, organization+"/") {
		return "", fmt.Errorf("%w: the object %.200q of a %s is not one of the organization", content.ErrNotFound, key, typ.Name())
	}
	s, err := c.objects()
	if err != nil {
		return "", err
	}
	return readText(ctx, s, key)
}
