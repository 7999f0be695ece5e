package connectors

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A Pull makes an incremental stream of a source that can be asked for what
// changed between two times.
//
// Sources write a little behind their own clock, and several records share one
// timestamp, so that a strict cursor loses some for ever. A Pull asks again for
// what changed shortly before the end of the last window (LookBack), with both
// ends included, up to a bound that is fixed when the window is begun. Records
// that come again are found unchanged. An interrupted window goes on where it
// was.
type Pull struct {
	Type     *content.Type
	Start    time.Time     // of the first window
	LookBack time.Duration // how far a window reaches back behind the end of the last; 0 is none
	Now      func() time.Time
	Run      string // Input.Run: one run reads at most one window of its own
	// State stands for what is asked for: the filters of the settings. When it
	// differs from that of the last import, the first window is read again. It is
	// kept with the position, and must not have secrets.
	State string
	// Read gives the records of a window, from a position inside it; "" is its
	// beginning. Positions of the records are such ones.
	Read func(ctx context.Context, w Window, from string) iter.Seq2[Record, error]
}

// A Window is a span of time, both ends included.
type Window struct{ From, To time.Time }

// A cursor is the position of a Pull. It is versioned: another one begins anew.
type cursor struct {
	V     int        `json:"v"`
	State string     `json:"state,omitempty"`
	Until *time.Time `json:"until,omitempty"` // all before it was read
	From  *time.Time `json:"from,omitempty"`  // of the window at work
	To    *time.Time `json:"to,omitempty"`
	At    string     `json:"at,omitempty"`  // inside it
	Run   string     `json:"run,omitempty"` // that began it
}

func (c cursor) String() string {
	b, _ := json.Marshal(c) // texts and times of this century always encode
	return string(b)
}

const cursorVersion = 1

// Stream makes the stream.
func (p Pull) Stream() Stream {
	return Stream{Type: p.Type, Mode: Incremental, Read: func(ctx context.Context, from string) iter.Seq2[Record, error] {
		return func(yield func(Record, error) bool) {
			var c cursor
			if from != "" {
				if err := json.Unmarshal([]byte(from), &c); err != nil {
					yield(Record{}, fmt.Errorf("%w position of %s: it cannot be read: %w", content.ErrInvalid, p.Type.Name(), err))
					return
				}
			}
			if c.V != cursorVersion || c.State != p.State {
				c = cursor{V: cursorVersion, State: p.State}
			}
			// A window that an earlier run left is read to its end, then comes the
			// one up to now.
			now := p.Now().UTC().Truncate(time.Second)
			for c.To != nil || c.Until == nil || c.Until.Before(now) {
				if c.To == nil {
					start := p.Start.UTC()
					if c.Until != nil {
						if start = c.Until.Add(-p.LookBack); start.Before(p.Start) {
							start = p.Start.UTC()
						}
					}
					c.From, c.To, c.At, c.Run = &start, &now, "", p.Run
				}
				w := Window{*c.From, *c.To}
				if !w.From.After(w.To) {
					for r, err := range p.Read(ctx, w, c.At) {
						if err == nil && r.Position != nil {
							inside := c
							inside.At = r.Position.String()
							r.Position = inside
						}
						if !yield(r, err) || err != nil {
							return
						}
					}
				}
				until, own := w.To, c.Run != "" && c.Run == p.Run
				c = cursor{V: cursorVersion, State: p.State, Until: &until}
				if !yield(Record{Position: c}, nil) || own {
					return
				}
			}
		}
	}}
}

// A Text is a position that is a text.
type Text string

// String implements fmt.Stringer.
func (t Text) String() string { return string(t) }
