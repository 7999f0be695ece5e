package connectors

import (
	"context"
	"fmt"
	"iter"

	"github.com/curatore/curatore-go/content"
)

// A Session is a connection opened for one import.
type Session interface {
	// Streams returns the streams in the order in which they are read: parents
	// first. A type that the source does not have at all is left out, and its
	// records stay as they are.
	Streams() []Stream
	// Close gives up what the session holds. It is called once, after all streams
	// were read or the import has failed; its error fails the import.
	Close() error
}

// Streams is a Session that holds nothing to be closed.
type Streams []Stream

// Streams implements [Session].
func (s Streams) Streams() []Stream { return s }

// Close implements [Session].
func (Streams) Close() error { return nil }

// A Describer is a Session that has something to say about what it found, such
// as an encoding. It is stored with the import_start event.
type Describer interface {
	Describe() map[string]any
}

// A Mode says what a stream's records are of all there are, and so what it means that
// one does not come, and where the next import begins:
//
//   - Snapshot: all of the source; what does not come is gone.
//   - Incremental: what changed since the last import, pulled with a cursor (see
//     [Pull]) or told by a change log with tombstones.
//   - Push: what somebody hands over.
type Mode int

// The modes of a stream.
const (
	// Snapshot: the stream gives all records of the source; what it does not
	// give any more is deleted, under the guards of a full sync.
	Snapshot Mode = iota
	// Incremental: the stream gives what changed since a position; the last one
	// is kept for the next import. Nothing is deleted but by tombstones.
	Incremental
	// Push: the stream gives what was handed over to this import, such as files that
	// are uploaded. A position says where the run goes on after a crash, and is worth
	// nothing to the next one; nothing is deleted but by tombstones.
	Push
)

// A Stream is the flow of one type's records out of a session.
type Stream struct {
	Type *content.Type
	Mode Mode
	// Name tells streams of one type apart, such as one that completes what
	// another one has brought. All of them are incremental then. "" is the name of
	// the type. Positions are kept by it.
	Name string

	// Read gives the records behind a position: "" is the beginning. The error
	// of a pair is fatal and ends the run; a record that cannot be read has its
	// own Err. It is called once, or again after a crash.
	Read func(ctx context.Context, from string) iter.Seq2[Record, error]

	// Incomplete says, after the last record, why a snapshot is not all there
	// is ("part 1 is missing"), or "". Nothing is deleted then unless forced.
	// Nil means that it is complete.
	Incomplete func() string

	Total int64 // for progress: the number of records, or of another unit; 0 when it is not known
}

// A Record is one record of a stream, read or failed.
type Record struct {
	Row      content.Row  // with its key and Raw set; nil when it could not be read
	Deleted  bool         // a tombstone: the record with the key of Row, or Key, is gone
	Position fmt.Stringer // where to go on behind it; nil when the stream cannot go on there
	Done     int64        // how far the stream is behind it, in the unit of Stream.Total; 0 counts records
	Place    Place
	Key      string // where Row does not tell it; of a failed record when it is known: then the stored one is kept
	Raw      []byte // of a failed record
	Err      error  // why it failed

	// Part says where a part of the source begins or ends. Such a Record has no
	// row. One with a Position only tells where the stream stands, for a source
	// that has been looked through without finding anything.
	Part   *Part
	Values []BadValue // values that could not be read, whose fields are empty; of a failed record the first is the one at fault

	// A stream that can tell whether a record has changed without reading it in
	// full leaves Row nil and gives these, with Key: Fingerprint stands for the
	// payload and for all that decides how it is read, and Read reads it. Read
	// is called at most once, on any goroutine, and only for a record that is new
	// or has changed; its result has a Row or an Err.
	Fingerprint []byte
	Size        int // bytes that Read holds, about; batches are bounded by them
	Read        func() Record

	ahead *Record // what Read has given already
}

// A Place says where in the source a record stands.
type Place struct {
	File string
	Line int // of the file, from 1; 0 when there are none
}

// A BadValue is one value that could not be read.
type BadValue struct {
	Column string
	Value  string // cut to 200 characters when it is stored
	Err    error
}

// Rows makes a Stream that gives all records of a type, from an iterator of
// rows. An error of the iterator ends the run.
func Rows[R content.Row](typ *content.Type, read func(ctx context.Context) iter.Seq2[R, error]) Stream {
	return Stream{Type: typ, Read: func(ctx context.Context, _ string) iter.Seq2[Record, error] {
		return func(yield func(Record, error) bool) {
			for row, err := range read(ctx) {
				if err != nil {
					yield(Record{}, err)
					return
				}
				if !yield(Record{Row: row}, nil) {
					return
				}
			}
		}
	}}
}
