package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/curatore/curatore-go/content"
)

// A Meter counts and hashes what is read through it. It is for stores.
type Meter struct {
	r    io.Reader
	hash hash.Hash
	size int64
}

// NewMeter returns a Meter that reads from r.
func NewMeter(r io.Reader) *Meter { return &Meter{r: r, hash: sha256.New()} }

// Read implements io.Reader.
func (m *Meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.hash.Write(p[:n])
	m.size += int64(n)
	return n, err
}

// Size returns how many bytes were read.
func (m *Meter) Size() int64 { return m.size }

// SHA256 returns the hash of what was read, in lower-case hex.
func (m *Meter) SHA256() string { return hex.EncodeToString(m.hash.Sum(nil)) }

// Check returns content.ErrInvalid when what was read is not what the options
// promise. It is called when all was read.
func (m *Meter) Check(o PutOptions) error {
	if o.Size != 0 && m.size != o.Size {
		return fmt.Errorf("%w: %d bytes came, %d were announced; send the file again", content.ErrInvalid, m.size, o.Size)
	}
	if sum := m.SHA256(); o.SHA256 != "" && sum != o.SHA256 {
		return fmt.Errorf("%w: the SHA-256 of what came is %s, %s was announced; send the file again", content.ErrInvalid, sum, o.SHA256)
	}
	return nil
}

// Until returns a reader of r that ends with ctx. It is for stores.
func Until(ctx context.Context, r io.Reader) io.Reader { return &until{ctx, r} }

type until struct {
	ctx context.Context // of the call that reads
	r   io.Reader
}

func (u *until) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(p)
}

// Bound returns a reader of r that gives content.ErrInvalid as soon as more comes
// than Size announces, so that a stream without an end fills no store. It is for
// stores.
func (o PutOptions) Bound(r io.Reader) io.Reader {
	if o.Size == 0 {
		return r
	}
	return &bound{r, o.Size, o.Size}
}

type bound struct {
	r          io.Reader
	size, left int64
}

func (b *bound) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("%w: more than the %d bytes came that were announced; send the file again", content.ErrInvalid, b.size)
	}
	return n, err
}

// Verify returns a reader of the content of an object, from its beginning, that
// gives [ErrCorrupt] in place of io.EOF when size or SHA-256 are not those of info,
// and as soon as more comes than there should be. It is for stores.
func Verify(r io.Reader, info Info) io.Reader {
	return &verifier{meter: NewMeter(r), info: info}
}

type verifier struct {
	meter *Meter
	info  Info
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.meter.Read(p)
	size := v.meter.Size()
	if size > v.info.Size {
		return 0, fmt.Errorf("%w %s: it has more than its %d bytes", ErrCorrupt, v.info.Key, v.info.Size)
	}
	if err != io.EOF {
		return n, err
	}
	if size < v.info.Size {
		return n, fmt.Errorf("%w %s: it ended after %d of %d bytes", ErrCorrupt, v.info.Key, size, v.info.Size)
	}
	if sum := v.meter.SHA256(); v.info.SHA256 != "" && sum != v.info.SHA256 {
		return n, fmt.Errorf("%w %s: its SHA-256 is %s, that of what was stored %s", ErrCorrupt, v.info.Key, sum, v.info.SHA256)
	}
	return n, io.EOF
}

// Resolve returns where a range of an object of some size begins and how long it
// is, or content.ErrInvalid. It is for stores.
func (r Range) Resolve(key string, size int64) (offset, length int64, err error) {
	if r == (Range{}) {
		return 0, size, nil
	}
	if r.Offset < 0 || r.Length < 0 || r.Offset >= size {
		return 0, 0, fmt.Errorf("%w: the range of %d bytes from %d on is not in object %s, which has %d", content.ErrInvalid, r.Length, r.Offset, key, size)
	}
	length = size - r.Offset
	if r.Length > 0 {
		length = min(length, r.Length)
	}
	return r.Offset, length, nil
}

// NotFound returns the error of an object that is not there. It is for stores.
func NotFound(key string) error {
	return fmt.Errorf("%w: there is no object %s", content.ErrNotFound, key)
}
