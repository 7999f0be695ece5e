package blob

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

var (
	// ErrCorrupt says that an object is not what was stored: its size or its
	// SHA-256 differs, or the stream ended early. Nothing that was read may be
	// trusted.
	ErrCorrupt = errors.New("corrupt object")
	// ErrUnavailable says that the store cannot be reached, is overloaded or full;
	// trying again later may succeed.
	ErrUnavailable = errors.New("object store unavailable")
)

// A Store keeps objects under keys. Its methods are safe for concurrent use and
// refuse keys that [CheckKey] refuses, with content.ErrInvalid. An object that is
// not there is content.ErrNotFound; a store that cannot be reached [ErrUnavailable].
//
// A key that is the beginning of others, as "a/b" is of "a/b/c", is not used for
// an object itself: some stores cannot hold both.
type Store interface {
	// Put stores what r gives until io.EOF, in place of an object with that key.
	// It streams with bounded memory. Until it has returned without an error,
	// and after it has returned one, others see what was there before. The error
	// is content.ErrInvalid when the bytes are not those that the options
	// promise. An r that is also an io.Seeker may be read twice, from where it
	// stands.
	Put(ctx context.Context, key string, r io.Reader, o PutOptions) (Info, error)

	// Get opens an object, or a range of it, and must be closed. Info is of the
	// whole object. Reading it in full ends with [ErrCorrupt] in place of io.EOF
	// when it is not what was stored; a range is checked for its length only. A
	// range that begins at or behind the end is content.ErrInvalid, one that ends
	// behind it is cut. What ctx ends ends the reading. A store on this machine
	// may give an io.ReaderAt too, of what the range holds.
	Get(ctx context.Context, key string, r Range) (io.ReadCloser, Info, error)

	// Stat returns what is known about an object.
	Stat(ctx context.Context, key string) (Info, error)

	// List yields the objects below a prefix whose key is greater than after,
	// in the order of the bytes of their keys. Prefix is "" for all, or ends
	// with "/", so that one organization's is never the beginning of another's.
	// Infos have key, size and time, and the rest where it costs the store
	// nothing. Objects may be deleted while it goes on; whether those that are
	// stored meanwhile are met is not said. An error ends it.
	List(ctx context.Context, prefix, after string) iter.Seq2[Info, error]

	// Delete removes objects. One that is not there is no error. After an error
	// some may be gone; calling it again does no harm.
	Delete(ctx context.Context, keys ...string) error

	// Copy stores an object under another key too, without sending it through
	// this process where the store can.
	Copy(ctx context.Context, from, to string) (Info, error)
}

// A Presigner is a [Store] that makes URLs with which a client that has no
// credentials reads or writes one object for some time.
type Presigner interface {
	// PresignGet returns a URL to download an object under its file name, never
	// to show it in a browser. Valid is at most 7 days.
	PresignGet(ctx context.Context, key string, valid time.Duration) (string, error)
	// PresignPut returns a URL to which an object may be sent with HTTP PUT.
	// Such an object has neither SHA-256 nor file name. Valid is at most 7 days.
	PresignPut(ctx context.Context, key string, valid time.Duration) (string, error)
}

// A Sweeper is a [Store] in which a crash leaves something that takes up space,
// such as half an upload, though nobody sees it.
type Sweeper interface {
	// Sweep removes what was left before a time and returns how many there were.
	Sweep(ctx context.Context, before time.Time) (int, error)
}

// Info is what is known about an object.
type Info struct {
	Key         string
	Size        int64
	SHA256      string            // lower-case hex; "" for an object that others put there
	ContentType string            // "application/octet-stream" when nothing was said
	Filename    string            // what people call it, after CleanFilename; may be empty
	Metadata    map[string]string // nil when there is none
	Modified    time.Time         // UTC, by the clock of the store
}

// PutOptions are what is said about an object that is stored. The zero value
// says nothing.
type PutOptions struct {
	ContentType string            // a MIME type
	Filename    string            // what people call it; see CleanFilename
	Metadata    map[string]string // names of lower-case letters, digits and "-"; all together with the file name at most 1,500 bytes as a URL would write them
	Size        int64             // that r must have; 0 says nothing
	SHA256      string            // that r must have, lower-case hex; "" says nothing
}

// A Range is a part of an object. The zero Range is all of it.
type Range struct {
	Offset int64
	Length int64 // 0 is up to the end
}
