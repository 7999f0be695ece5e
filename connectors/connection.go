package connectors

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/functions"
)

// A Spec declares a connection. Name, Label, Types and Open are required. S is
// the type of its settings: a struct that decodes from JSON.
type Spec[S any] struct {
	Name        string // "helpdesk": lower case; the group of its types, part of search_helpdesk
	Label       string // "Helpdesk"
	Description string
	Icon        string // one of content.Icons
	Color       string // one of content.Colors
	Queue       string // in which its imports wait; "" means one of its own, by its name
	Types       []*content.Type
	Functions   []Function[S] // its own, beside search_<name>
	Settings    S             // defaults; an import may override single ones, and gets a copy of its own

	// Files says what files an import is given, such as "all parts of one export".
	// It is empty for a connection that fetches its records itself. Without files
	// an import is refused, unless WithoutFiles says that it can do without, under
	// its settings.
	Files        string
	WithoutFiles func(settings S) bool

	// Open makes the session for one import: it checks the settings and the
	// files, decides what depends on all of them (an encoding), and makes the
	// client. An error fails the run before anything is changed.
	Open func(ctx context.Context, in Input[S]) (Session, error)

	// Replay makes the function that reads a record once more from what was kept of
	// it. It makes records that failed importable after the settings or the program
	// were mended, and has all of them mapped anew, without their source; see
	// [Engine.Replay]. Nil: they have to be imported again. The Input has no files.
	Replay func(ctx context.Context, in Input[S]) (func(ctx context.Context, p Payload) Record, error)

	Version     int           // raise it when the same payload is mapped differently: all rows are written again
	Timeout     time.Duration // of an import; 0 means 30 minutes
	MaxDelete   float64       // share of an instance's records that one full sync may delete; 0 means 0.5
	FailureRate float64       // share of failed records that stops a run, judged from 100 records on; 0 means 0.1
}

// An Input is what a session is made from.
type Input[S any] struct {
	Settings S
	Instance string // "" for the only one
	Files    []File
	HTTP     *http.Client
	Now      func() time.Time
	Logger   *slog.Logger // never nil
	Run      string       // id of the run, the same when it goes on after a crash; "" in a test of the connection
	Stored   *Stored      // what is stored; nil in a test of the connection
	DryRun   bool         // nothing is changed: leave out what costs much and only makes what is written

	// Objects keeps files; nil when the program has no object store. Keys are
	// ObjectPrefix, the name of a type and an id: they go with the organization.
	// "imports" in place of a type is for files on their way, which are removed.
	Objects      blob.Store
	ObjectPrefix string

	services *rest.Pool
	secrets  Secrets
}

// REST makes a client of a service. All sessions of the program that use the same
// credential share its pace and its daily ledger.
func (in Input[S]) REST(config rest.Config) (*rest.Client, error) {
	services := in.services
	if services == nil {
		services = &rest.Pool{HTTP: in.HTTP, Now: in.Now, Logger: in.Logger}
	}
	client, err := services.Client(config)
	if err != nil {
		return nil, setupError{err}
	}
	return client, nil
}

// Wait pauses for a time by the clock of Now; a context that ends gives its cause.
func (in Input[S]) Wait(ctx context.Context, d time.Duration) error {
	if in.services != nil && in.services.Wait != nil {
		return in.services.Wait(ctx, d)
	}
	return rest.Wait(ctx, d)
}

// Secret returns what a reference in the settings stands for. An error names the
// reference, and never the secret.
func (in Input[S]) Secret(ctx context.Context, ref SecretRef) (rest.Secret, error) {
	secret, err := ref.resolve(ctx, in.secrets)
	if err != nil {
		return secret, setupError{err}
	}
	return secret, nil
}

// A File is given to an import by the program. The reader stays open until the
// session is closed.
type File struct {
	Name string // as the user knows it, without a folder
	Size int64  // bytes
	io.ReaderAt

	// Of a file that is given to an import these may be set as well. A connection
	// that is opened finds the ReaderAt.
	Reader      io.Reader // in place of a ReaderAt, for a program with an object store; Size may then be 0, which says nothing
	ContentType string    // a MIME type; may be empty
}

// A Payload is what was kept of a record, to be read once more. Where nothing can be
// made of it, the zero Record leaves what is stored as it is.
type Payload struct {
	Type   string      // its name
	Raw    []byte      // as the stream had given it, in Record.Raw or in the Raw of the row; empty when it gave none
	Stored content.Row // the record as it is stored, which may be changed and given; nil when it is not stored
}

// A Connection is a Spec whose settings are data. It binds no credentials, does
// not change, and is safe for concurrent use. Mistakes in the Spec are reported
// by [Check].
type Connection struct {
	spec      Spec[json.RawMessage]
	form      *form // of the settings
	alone     func(settings json.RawMessage) error
	functions []func(inputOf[json.RawMessage]) *functions.Function

	filesOnly bool
	problems  []string
}

// New makes a Connection of a Spec.
func New[S any](spec Spec[S]) *Connection {
	c := &Connection{spec: Spec[json.RawMessage]{
		Name: spec.Name, Label: spec.Label, Description: spec.Description, Icon: spec.Icon, Color: spec.Color, Queue: spec.Queue,
		Files: spec.Files, Version: spec.Version, Timeout: spec.Timeout, MaxDelete: spec.MaxDelete, FailureRate: spec.FailureRate,
	}}
	for _, t := range spec.Types {
		if t == nil {
			c.problem("a type is nil: its Define did not run before New")
			continue
		}
		c.spec.Types = append(c.spec.Types, t.Of(spec.Name))
	}
	for i, f := range spec.Functions {
		if f.bind == nil {
			c.problem("function %d is empty; make it with connectors.Define", i+1)
			continue
		}
		c.functions = append(c.functions, func(input inputOf[json.RawMessage]) *functions.Function {
			return f.bind(func(ctx context.Context, scope content.Scope, instance string) (Input[S], error) {
				in, err := input(ctx, scope, instance)
				if err != nil {
					return Input[S]{}, err
				}
				typed, err := decode(spec.Settings, in)
				if err != nil {
					return typed, setupError{err}
				}
				return typed, nil
			})
		})
	}
	if spec.Open == nil {
		c.problem("Open is missing: it makes the session that reads the records")
	}
	c.spec.Open = func(ctx context.Context, in Input[json.RawMessage]) (Session, error) {
		typed, err := decode(spec.Settings, in)
		if err != nil {
			return nil, err
		}
		if err := spec.hasFiles(typed); err != nil {
			return nil, err
		}
		return spec.Open(ctx, typed)
	}
	c.alone = func(settings json.RawMessage) error {
		typed, err := decode(spec.Settings, Input[json.RawMessage]{Settings: settings})
		if err != nil {
			return err
		}
		return spec.hasFiles(typed)
	}
	switch {
	case spec.WithoutFiles == nil:
		c.filesOnly = spec.Files != ""
	case spec.Files == "":
		c.problem("WithoutFiles is set and Files does not say what files there are")
	}
	c.form = newForm(c, spec.Settings)
	if spec.Replay != nil {
		c.spec.Replay = func(ctx context.Context, in Input[json.RawMessage]) (func(context.Context, Payload) Record, error) {
			typed, err := decode(spec.Settings, in)
			if err != nil {
				return nil, err
			}
			return spec.Replay(ctx, typed)
		}
	}
	c.check()
	return c
}

// hasFiles refuses an import that lacks its files.
func (s Spec[S]) hasFiles(in Input[S]) error {
	if s.Files == "" || len(in.Files) > 0 || s.WithoutFiles != nil && s.WithoutFiles(in.Settings) {
		return nil
	}
	return fmt.Errorf("%w: no files; give %s", content.ErrInvalid, s.Files)
}

// FilesOnly reports whether each import needs files.
func (c *Connection) FilesOnly() bool { return c.filesOnly }

// Unattended reports whether an import with these settings, over the defaults, can
// begin without files; its error says what is wrong or to be given, and wraps
// content.ErrInvalid.
func (c *Connection) Unattended(settings json.RawMessage) error { return c.alone(settings) }

// Name returns the connection's name: "helpdesk".
func (c *Connection) Name() string { return c.spec.Name }

// Label returns the connection's name for people: "Helpdesk".
func (c *Connection) Label() string { return c.spec.Label }

// Description returns what the connection is, for people; it may be empty.
func (c *Connection) Description() string { return c.spec.Description }

// Icon returns one of content.Icons, or "".
func (c *Connection) Icon() string { return c.spec.Icon }

// Color returns one of content.Colors, or "".
func (c *Connection) Color() string { return c.spec.Color }

// Queue returns the name of the queue in which imports of the connection wait.
func (c *Connection) Queue() string { return cmp.Or(c.spec.Queue, c.spec.Name) }

// Types returns the record types in order.
func (c *Connection) Types() []*content.Type { return slices.Clone(c.spec.Types) }

// Timeout returns how long an import may take.
func (c *Connection) Timeout() time.Duration {
	if c.spec.Timeout == 0 {
		return 30 * time.Minute
	}
	return c.spec.Timeout
}

// RunType returns the type of the connection's import runs: "helpdesk_import".
func (c *Connection) RunType() string { return c.spec.Name + "_import" }

// ReplayType returns the type of the runs that replay failed records:
// "helpdesk_replay".
func (c *Connection) ReplayType() string { return c.spec.Name + "_replay" }

// Replayable reports whether failed records can be replayed.
func (c *Connection) Replayable() bool { return c.spec.Replay != nil }

func (c *Connection) maxDelete() float64 {
	if c.spec.MaxDelete == 0 {
		return 0.5
	}
	return c.spec.MaxDelete
}

func (c *Connection) failureRate() float64 {
	if c.spec.FailureRate == 0 {
		return 0.1
	}
	return c.spec.FailureRate
}

func (c *Connection) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// namespaces are the metadata namespaces with a fixed meaning, and the
// connection that may use each; "" is none.
var namespaces = map[string]string{"source": "", "custom": "", "file": "upload", "salesforce": "salesforce",
	"sam": "samgov", "sharepoint": "sharepoint", "scrape": "web"}

func (c *Connection) check() {
	s := &c.spec
	if !nameForm.MatchString(s.Name) {
		c.problem("the name must be a lower-case letter, then up to 30 letters, digits and underscores")
	}
	if s.Label == "" {
		c.problem("the label is missing")
	}
	if s.Icon != "" && !slices.Contains(content.Icons(), s.Icon) {
		c.problem("unknown icon %q; use one of %s", s.Icon, strings.Join(content.Icons(), ", "))
	}
	if s.Color != "" && !slices.Contains(content.Colors(), s.Color) {
		c.problem("unknown color %q; use one of %s", s.Color, strings.Join(content.Colors(), ", "))
	}
	if len(s.Types) == 0 {
		c.problem("it declares no types")
	}
	for _, t := range s.Types {
		for _, group := range t.Groups() {
			if owner, reserved := namespaces[group]; reserved && owner != s.Name {
				c.problem("type %s uses the group %q, which is a reserved metadata namespace; choose another Group", t.Name(), group)
			}
		}
	}
	for name, share := range map[string]float64{"MaxDelete": s.MaxDelete, "FailureRate": s.FailureRate} {
		if share < 0 || share > 1 {
			c.problem("%s is %v; it is a share between 0 and 1", name, share)
		}
	}
}

// Check reports every mistake of every connection at once, names that are used
// twice included. It does not look into the types: content.NewRegistry does.
func Check(connections ...*Connection) error {
	var problems []error
	seen := map[string]bool{}
	for _, c := range connections {
		if c == nil {
			problems = append(problems, errors.New("a connection is nil"))
			continue
		}
		for _, p := range c.problems {
			problems = append(problems, fmt.Errorf("connection %s: %s", c.Name(), p))
		}
		if seen[c.Name()] {
			problems = append(problems, fmt.Errorf("connection %s: two connections have this name", c.Name()))
		}
		seen[c.Name()] = true
	}
	if len(problems) > 0 {
		return fmt.Errorf("%w declarations:\n%w", content.ErrInvalid, errors.Join(problems...))
	}
	return nil
}
