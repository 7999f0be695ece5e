package curatore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// cleanUpTime bounds the removal of files that nobody will read. What is not
// removed in it, the next sweep removes.
const cleanUpTime = 30 * time.Second

// hand stores the files of an import, then its run, and returns. If the run cannot
// be stored, the files are removed again.
func (o *Organization) hand(ctx context.Context, conn *connectors.Connection, options connectors.Options, files []connectors.File) (_ *Run, err error) {
	c := o.c
	temp, err := c.tempObjects()
	if err != nil {
		return nil, err
	}
	organization, err := c.auth.Organization(o.scope)
	if err != nil {
		return nil, err
	}
	id := store.NewID()
	config := importConfig{Options: options}
	var keys, names []string
	unused := true
	defer func() { // also when a reader panics
		if unused {
			c.removeFiles(ctx, temp, id, keys)
		}
	}()
	for i, f := range files {
		key, err := blob.Key(organization, conn.Name(), "imports", id, strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		keys, names = append(keys, key), append(names, f.Name)
		info, err := temp.Put(ctx, key, reader(f), putOptions(f))
		if err != nil {
			return nil, fmt.Errorf("store the file %q: %w", f.Name, err)
		}
		config.Files = append(config.Files, fileConfig{Filename: f.Name, FileSize: info.Size, Key: key, SHA256: info.SHA256})
	}
	if err := c.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := c.importRuns[conn.Name()].Enqueue(ctx, tx, o.scope, config, jobs.Options{ID: id, Label: strings.Join(names, ", "), ResourceID: conn.Name()})
		unused = err != nil
		return err
	}); err != nil {
		if unused {
			return nil, err
		}
		// A connection that is lost in a commit leaves it open what became of it.
		_, errGet := c.jobs.Get(context.WithoutCancel(ctx), o.scope, id)
		if unused = errors.Is(errGet, content.ErrNotFound); errGet != nil {
			return nil, err
		}
	}
	return &Run{o: o, id: id}, nil
}

// reader returns what to store of a file.
func reader(f connectors.File) io.Reader {
	if f.ReaderAt != nil {
		return io.NewSectionReader(f.ReaderAt, 0, f.Size)
	}
	return f.Reader
}

func putOptions(f connectors.File) blob.PutOptions {
	o := blob.PutOptions{Filename: f.Name, Size: f.Size, ContentType: f.ContentType}
	if o.ContentType == "" {
		o.ContentType = mime.TypeByExtension(filepath.Ext(f.Name))
	}
	if _, err := o.Check(); err != nil {
		o.ContentType = "" // what a browser says of a file is no reason to refuse it
	}
	return o
}

// removeFiles removes files of a run from the object store, also when ctx has
// ended.
func (c *Curator) removeFiles(ctx context.Context, s blob.Store, run string, keys []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	if err := s.Delete(ctx, keys...); err != nil {
		c.logger().WarnContext(ctx, "files of a run stay in the object store until the next sweep", "run", run, "error", err)
	}
}

// An import waits storePatience for an object store that does not answer, with
// pauses that begin with storePause; then it is parked for storePark, and so on
// until a day is over since it was first started.
const (
	storePatience = 10 * time.Second
	storePause    = time.Second
	storePark     = time.Minute
	storeGiveUp   = 24 * time.Hour
)

// keysOf returns the keys of a run's files in the object store, if they are there.
// Keys of another organization are refused, whatever stands in the run's row.
func (c *Curator) keysOf(scope content.Scope, files []fileConfig) (keys []string, err error) {
	organization, err := c.auth.Organization(scope)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.Key == "" {
			continue
		}
		if !strings.HasPrefix(f.Key, organization+"/") {
			return nil, fmt.Errorf("%w: the file %q: its key %.200q is not one of the organization", content.ErrInvalid, f.Filename, f.Key)
		}
		keys = append(keys, f.Key)
	}
	return keys, nil
}

// fetch opens the files of a run for an import: local copies, unless the object
// store is on this machine. Close them all.
func (c *Curator) fetch(ctx context.Context, task *jobs.Task, config importConfig) (files []connectors.File, closeAll func() error, err error) {
	temp, err := c.tempObjects()
	if err != nil {
		return nil, nil, err
	}
	var open []*blob.File
	closeAll = func() (err error) {
		for _, f := range open {
			err = errors.Join(err, f.Close())
		}
		return err
	}
	for _, f := range config.Files {
		local, err := c.fetchOne(ctx, task, temp, f)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("the file %q: %w", f.Filename, err), closeAll())
		}
		open = append(open, local)
		files = append(files, connectors.File{Name: f.Filename, Size: local.Info.Size, ReaderAt: local, ContentType: local.Info.ContentType})
	}
	return files, closeAll, nil
}

func (c *Curator) fetchOne(ctx context.Context, task *jobs.Task, temp blob.Store, f fileConfig) (*blob.File, error) {
	began, patience, corrupt := time.Now(), cmp.Or(c.config.hooks.patience, storePatience), false
	for pause := min(storePause, patience/4); ; pause *= 2 {
		local, err := blob.OpenLocal(ctx, temp, f.Key, f.SHA256, c.spill())
		switch {
		case err == nil:
			return local, nil
		case errors.Is(err, content.ErrNotFound):
			return nil, fmt.Errorf("%w; import it again", err)
		case errors.Is(err, blob.ErrCorrupt) && !corrupt:
			corrupt = true // it may have become so on the way
		case !errors.Is(err, blob.ErrUnavailable), ctx.Err() != nil, c.now().Sub(*task.Run().StartedAt) > storeGiveUp:
			return nil, err
		case time.Since(began)+pause > patience:
			return nil, jobs.Park(time.Now().Add(storePark), fmt.Sprintf("the file %q cannot be fetched: %v", f.Filename, err))
		}
		task.Warn(jobs.EventProgress, fmt.Sprintf("the file %q cannot be fetched, it is tried again in %s: %v", f.Filename, pause, err), nil)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// spill is where local copies are.
func (c *Curator) spill() blob.Spill { return blob.Spill{Dir: c.config.SpillDir} }

// checkSpill reports a directory for local copies in which no file can be made,
// which would fail each import that this process takes.
func (c *Curator) checkSpill() error {
	if c.config.SpillDir == "" || c.config.EnqueueOnly {
		return nil
	}
	_, remove, err := c.spill().Create()
	if err != nil {
		return fmt.Errorf("%w: Config.SpillDir: %w", content.ErrInvalid, err)
	}
	return remove()
}

// removeWhenEnded removes the files of a run that works in this process when it
// has ended for good; a run that is given back needs them again.
func (c *Curator) removeWhenEnded(ctx context.Context, scope content.Scope, run string, keys []string) {
	c.mu.Lock()
	if c.closed || c.reading[run] != nil {
		c.mu.Unlock()
		return
	}
	c.reading[run] = func(ctx context.Context) {
		if ended, err := c.jobs.Get(ctx, scope, run); err != nil || !ended.Status.Ended() {
			return
		}
		if temp, err := c.tempObjects(); err == nil {
			c.removeFiles(ctx, temp, run, keys)
		}
	}
	c.mu.Unlock()
	c.untilClosed(ctx, func(ctx context.Context) {
		if c.waitForEnd(ctx, scope, run) {
			c.doneReading(ctx, run)
		}
	})
}

// removeOfEnded removes the files of a run that has ended before any process began
// to work on it. One at work is the concern of its process.
func (c *Curator) removeOfEnded(ctx context.Context, scope content.Scope, id string) {
	var config importConfig
	run, err := c.jobs.Get(ctx, scope, id)
	if err != nil || !run.Status.Ended() || json.Unmarshal(run.Config, &config) != nil {
		return
	}
	keys, err := c.keysOf(scope, config.Files)
	if err != nil || len(keys) == 0 {
		return
	}
	if temp, err := c.tempObjects(); err == nil {
		c.removeFiles(ctx, temp, id, keys)
	}
}

// doneReading removes the files of a run, once.
func (c *Curator) doneReading(ctx context.Context, run string) {
	c.mu.Lock()
	remove := c.reading[run]
	delete(c.reading, run)
	c.mu.Unlock()
	if remove != nil {
		remove(context.WithoutCancel(ctx))
	}
}

// allDoneReading does so for all runs that have ended, when the Curator is closed
// before they could be waited for.
func (c *Curator) allDoneReading() {
	c.mu.Lock()
	var runs []string
	for run := range c.reading {
		runs = append(runs, run)
	}
	c.mu.Unlock()
	var all sync.WaitGroup // a store that does not answer holds Close up once
	for _, run := range runs {
		all.Go(func() { c.doneReading(context.Background(), run) })
	}
	all.Wait()
}

func (c *Curator) logger() *slog.Logger {
	if c.config.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.config.Logger
}
