package connectors

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// The phases of an import, in order, as Progress names them.
const (
	PhaseParsing   = "parsing"
	PhaseImporting = "importing"
	PhaseIndexing  = "indexing"
	PhaseEmbedding = "embedding"
)

// An importing is one import while it runs.
type importing struct {
	*Engine
	c            *Connection
	task         Task
	scope        content.Scope
	organization string
	options      Options
	time         time.Time // of all writes of the run
	resumed      bool      // an earlier attempt has written something
	result       *Result
	state        checkpoint
	done         int64           // units of the streams before the one at work, for progress
	warned       int             // records that cannot be indexed
	unmerged     int             // chunks of the batch at work
	merger       search.Merger   // of the index
	gone         map[string]bool // ids that a dry run would have deleted by now
	seen         store.Seen      // keys of the stream at work, when it is a snapshot
	ahead        atomic.Bool     // most records change: they are read before they are compared
	calm         atomic.Bool     // nothing changes: batches are larger
	open         bool            // there are unsettled failures of earlier runs of the stream at work
}

// A checkpoint is where a run goes on after a crash. It is written in the
// transaction of what it counts.
type checkpoint struct {
	Read     []string            `json:"read,omitempty"`     // streams that were read to the end
	Cleaned  []string            `json:"cleaned,omitempty"`  // types whose clean-up is done
	Stream   string              `json:"stream,omitempty"`   // the one at work
	Position string              `json:"position,omitempty"` // in its stream
	Batch    int64               `json:"batch,omitempty"`    // of its stream
	Blocked  map[string][]string `json:"blocked,omitempty"`  // ids of tombstones that records below kept, by type
	Nameless map[string]int64    `json:"nameless,omitempty"` // records that failed and whose key is not known, by type
	Part     *Part               `json:"part,omitempty"`     // of the stream at work, that has begun
	Parted   []string            `json:"parted,omitempty"`   // types of which a part was read as a whole
	Fetched  []string            `json:"fetched,omitempty"`  // types whose earlier failures were fetched again
	Listed   []string            `json:"listed,omitempty"`   // types whose keys were listed and compared
	Began    time.Time           `json:"began,omitzero"`     // when a replay did
	Failure  string              `json:"failure,omitempty"`  // the last one that a replay has tried, of the type at work
	Requeued []string            `json:"requeued,omitempty"` // types of which all records wait to be indexed anew

	Companions map[string][]string `json:"companions,omitempty"` // types of what goes with the records of a stream, by its type

	Result *Result `json:"result"`
}

func (e *Engine) importing(task Task, c *Connection, options Options) (*importing, error) {
	im, err := e.onBehalf(task.Scope(), c, options)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", c.Name(), err)
	}
	im.task = task
	// As the databases keep it, so that what this run wrote can be told.
	im.time = task.Run().CreatedAt.UTC().Truncate(time.Microsecond)
	im.result = &Result{Streams: map[string]*Counts{}, DryRun: options.DryRun}
	im.merger = search.Merger{Merge: im.mergeIndex, Beside: e.DB.Dialect().Name() == database.Postgres}
	return im, nil
}

// onBehalf is an import of an organization that has no task yet.
func (e *Engine) onBehalf(scope content.Scope, c *Connection, options Options) (*importing, error) {
	organization, err := e.Auth.Organization(scope)
	if err != nil {
		return nil, err
	}
	if i := options.Instance; len(i) > store.MaxKey || !utf8.ValidString(i) || strings.ContainsRune(i, 0) {
		return nil, fmt.Errorf("%w instance %.40q: use at most %d bytes of text", content.ErrInvalid, i, store.MaxKey)
	}
	return &importing{Engine: e, c: c, scope: scope, organization: organization, options: options}, nil
}

// goOn takes over what an interrupted attempt has come to.
func (im *importing) goOn() error {
	if saved := im.task.Checkpoint(); len(saved) > 0 {
		if err := json.Unmarshal(saved, &im.state); err != nil {
			return fmt.Errorf("the checkpoint cannot be read: %w", err)
		}
		im.result = cmp.Or(im.state.Result, im.result)
	}
	im.state.Result = im.result
	return nil
}

func (im *importing) run(ctx context.Context, files []File) (err error) {
	im.task.Progress(PhaseParsing, 0, 0)
	in, err := im.input(files)
	if err != nil {
		return err
	}
	session, err := im.c.spec.Open(ctx, in)
	if err != nil {
		return err
	}
	if session == nil {
		return errors.New("its Open returned neither a session nor an error")
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	streams, err := im.streams(session)
	if err != nil {
		return err
	}
	if err := im.estimate(ctx, session, streams); err != nil {
		return err
	}
	im.started(session, files)
	if err := im.begin(ctx); err != nil {
		return err
	}
	var total int64
	for _, s := range streams {
		total += s.Total
	}
	for _, s := range streams {
		if !slices.Contains(im.state.Read, s.name()) {
			if err := im.readStream(ctx, s, total); err != nil {
				return err
			}
		}
		im.done += s.Total
	}
	if err := im.dropParts(ctx, streams); err != nil {
		return err
	}
	if err := im.complete(ctx, session, streams); err != nil {
		return err
	}
	if !im.options.DryRun {
		if err := im.settleWhole(ctx, streams); err != nil {
			return err
		}
		if err := im.links(ctx); err != nil {
			return err
		}
	}
	if err := im.cleanUp(ctx, streams); err != nil {
		return err
	}
	if im.options.DryRun {
		return nil
	}
	if err := im.index(ctx); err != nil {
		return err
	}
	return im.embed(ctx)
}

// testInput is what a session gets that imports nothing.
func (im *importing) testInput() Input[json.RawMessage] {
	return Input[json.RawMessage]{
		Settings: im.options.Settings, Instance: im.options.Instance, services: im.pool(), secrets: im.Secrets,
		HTTP: cmp.Or(im.HTTP, http.DefaultClient), Now: im.now, Logger: cmp.Or(im.Log, slog.New(slog.DiscardHandler)),
	}
}

func (im *importing) input(files []File) (Input[json.RawMessage], error) {
	in := im.testInput()
	in.Files, in.DryRun = files, im.options.DryRun
	if im.task != nil {
		in.Run = im.task.Run().ID
	}
	in.Stored = &Stored{store: im.Store, scope: im.scope, instance: im.options.Instance, types: im.c.spec.Types}
	in.ObjectPrefix = im.organization + "/" + im.c.Name()
	if im.Objects != nil {
		var err error
		if in.Objects, err = im.Objects(); err != nil && !errors.Is(err, content.ErrDisabled) {
			return in, err
		}
	}
	return in, nil
}

// streams returns the streams of a session, with the types as they are
// registered.
func (im *importing) streams(session Session) ([]Stream, error) {
	streams := slices.Clone(session.Streams())
	var seen []string
	for i, s := range streams {
		if s.Type == nil || s.Read == nil {
			return nil, fmt.Errorf("stream %d has no Type or no Read; a type that the source does not have is left out of Streams", i+1)
		}
		name := s.Type.Name()
		if !slices.ContainsFunc(im.c.spec.Types, func(t *content.Type) bool { return t.Name() == name }) {
			return nil, fmt.Errorf("a stream gives %s, which the connection does not declare among its Types", name)
		}
		if slices.Contains(seen, s.name()) || s.Mode == Snapshot && slices.ContainsFunc(streams, func(o Stream) bool { return o.Type.Name() == name && o.name() != s.name() }) {
			// The clean-up of one would delete what only the other has.
			return nil, fmt.Errorf("two streams give %s; make one of them, or give those that are no snapshots each a Name", name)
		}
		seen = append(seen, s.name())
		registered, err := im.Store.Registry().Lookup(name)
		if err != nil {
			return nil, err
		}
		streams[i].Type = registered
		im.result.counts(name)
	}
	return streams, nil
}

// begin waits for its turn and makes room: for what this run writes, after a
// crash before its first checkpoint, and by removing what ended runs left.
func (im *importing) begin(ctx context.Context) error {
	if !im.options.DryRun { // which stays out of everybody's way
		if err := im.takeTurn(ctx); err != nil {
			return err
		}
	}
	if err := im.sweep(ctx); err != nil {
		return err
	}
	if im.task.Run().Attempt <= 1 || im.resumed && !im.options.DryRun {
		return nil
	}
	for _, typ := range im.c.spec.Types {
		if err := im.restart(ctx, typ); err != nil {
			return err
		}
	}
	im.resumed = true
	return nil
}

// readStream imports a stream from where the run stands.
func (im *importing) readStream(ctx context.Context, s Stream, total int64) error {
	name := s.name()
	if im.state.Stream == name && im.state.Position == "" && im.state.Batch > 0 {
		if err := im.restart(ctx, s.Type); err != nil {
			return err
		}
	}
	if im.state.Stream != name {
		im.state.Stream, im.state.Position, im.state.Batch, im.state.Part = name, "", 0, nil
	}
	if err := im.lookForOpen(ctx, s.Type); err != nil {
		return err
	}
	if s.Mode == Snapshot {
		var err error
		if im.seen, err = im.openSeen(ctx, im.task.Run().ID, s.Type); err != nil {
			return err
		}
	}
	if err := im.stream(ctx, s, total); err != nil {
		return err
	}
	counts := *im.result.counts(s.Type.Name())
	if counts.Seen > 0 {
		im.task.Info(jobs.EventProgress, fmt.Sprintf("%s: %d read, %d new, %d changed, %d failed", s.Type.Plural(), counts.Seen, counts.Created, counts.Updated, counts.Failed),
			map[string]any{"type": s.Type.Name(), "counts": counts})
	}
	if im.options.DryRun || slices.Contains(im.state.Read, name) {
		return nil
	}
	im.state.finish(name)
	return im.task.Commit(ctx, func(context.Context, *database.Tx) error {
		im.task.SetCheckpoint(im.state)
		return nil
	})
}

// finish notes that the stream at work is read to the end.
func (c *checkpoint) finish(stream string) {
	if !slices.Contains(c.Read, stream) {
		c.Read = append(c.Read, stream)
	}
	c.Stream, c.Position, c.Failure, c.Batch, c.Part = "", "", "", 0, nil
}

// settleWhole settles the earlier failures of the types of which whole snapshots
// were read.
func (im *importing) settleWhole(ctx context.Context, streams []Stream) error {
	for _, s := range streams {
		if s.Mode != Snapshot || im.result.counts(s.Type.Name()).Seen == 0 || why(s) != "" {
			continue
		}
		if err := im.lookForOpen(ctx, s.Type); err != nil {
			return err
		}
		if !im.open {
			continue
		}
		if err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error { return im.settleAll(ctx, tx, s.Type) }); err != nil {
			return err
		}
	}
	return nil
}

// why returns why a snapshot is not all there is, or "".
func why(s Stream) string {
	if s.Incomplete == nil {
		return ""
	}
	return s.Incomplete()
}

func (im *importing) now() time.Time {
	if im.Now != nil {
		return im.Now()
	}
	return time.Now()
}

// started writes the import_start event: the files, and what the session found.
func (im *importing) started(session Session, files []File) {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name
	}
	data := map[string]any{"connection": im.c.Name(), "files": names}
	if im.options.Instance != "" {
		data["instance"] = im.options.Instance
	}
	if d, ok := session.(Describer); ok {
		for k, v := range d.Describe() {
			data[k] = v
		}
	}
	message := im.c.Label() + " import started"
	if im.options.DryRun {
		message += " (dry run: nothing is changed)"
	}
	im.task.Info(jobs.EventImportStart, message, data)
}

// linksState is where connection_state says, beside the positions of streams,
// whether records were written whose links have not been resolved since.
const (
	linksState    = "#links"
	linksWaiting  = "waiting"
	linksResolved = "resolved"
)

// links resolves the links of the connection's types, and those of other types
// that lead to them, when this import or one that ended before it came to this
// has written anything.
func (im *importing) links(ctx context.Context) error {
	state, err := im.position(ctx, linksState)
	if err != nil || state != linksWaiting {
		return err
	}
	for _, t := range im.Store.Registry().Types() {
		concerned := im.declares(t.Name())
		for _, f := range t.With(content.Parent | content.Link) {
			concerned = concerned || im.declares(f.LinkType)
		}
		if !concerned {
			continue
		}
		if _, err := im.Store.ResolveLinks(ctx, im.scope, t, im.options.Instance, im.task.Commit); err != nil {
			return err
		}
	}
	return im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		return im.savePosition(ctx, tx, linksState, linksResolved)
	})
}

func (im *importing) declares(typeName string) bool {
	return slices.ContainsFunc(im.c.spec.Types, func(t *content.Type) bool { return t.Name() == typeName })
}
