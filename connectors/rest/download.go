package rest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/curatore/curatore-go/content/blob"
)

// A Download is the body of an answer that can be read anywhere at once. Small ones
// are held in memory, others in a file without a name. It must be closed.
type Download struct {
	io.ReaderAt
	Header http.Header
	Size   int64
	SHA256 string // lower-case hex
	close  func() error
}

// Close gives up the memory or the file.
func (d *Download) Close() error { return d.close() }

// Page reports whether it is a web page, by what its server says and by its first
// bytes: that is what proxies and sign-in services give, with status 200, in the
// place of a file.
func (d *Download) Page() bool {
	said, _, _ := mime.ParseMediaType(d.Header.Get("Content-Type"))
	if said != "text/html" && said != "application/xhtml+xml" {
		return false
	}
	first := make([]byte, min(512, d.Size))
	n, _ := d.ReadAt(first, 0) // what cannot be read is no page
	return strings.HasPrefix(http.DetectContentType(first[:n]), "text/html")
}

// inMemory is the size up to which a file on disk is not worth its while.
const inMemory = 1 << 20

// Download sends a request and keeps the body of the answer, up to MaxBody bytes,
// with bounded memory. It behaves like Do: a body that breaks off is fetched again.
func (c *Client) Download(ctx context.Context, r Request) (*Download, error) {
	var answer *Answer
	var kept *spool
	most := cmp.Or(r.MaxBody, c.config.MaxBody)
	drop := func() error {
		if kept == nil {
			return nil
		}
		s := kept
		kept = nil
		return s.Close()
	}
	err := c.each(ctx, r, func(resp *http.Response) (bool, error) {
		if err := drop(); err != nil {
			return true, err
		}
		answer = &Answer{Status: resp.StatusCode, Header: resp.Header}
		if resp.StatusCode/100 != 2 {
			var err error
			answer.Body, err = readAll(resp, 1<<20)
			return false, err
		}
		if r.Accept != nil {
			if err := r.Accept(resp.Header); err != nil {
				return true, err
			}
		}
		body, err := bounded(resp, most)
		if err != nil {
			return false, err
		}
		kept = &spool{hash: sha256.New()}
		_, err = io.Copy(kept, body)
		if kept.err != nil {
			return true, kept.err // of this machine: another attempt does not mend it
		}
		return false, err
	}, func() *Answer { return answer })
	if err == nil && kept == nil { // an answer that Inspect finds right
		err = c.statusError(r, c.base, answer)
	}
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	return &Download{ReaderAt: kept.reader(), Header: answer.Header, Size: kept.size, SHA256: hex.EncodeToString(kept.hash.Sum(nil)), close: kept.Close}, nil
}

// A spool takes up bytes, in memory as long as they are few.
type spool struct {
	hash   hash.Hash
	size   int64
	memory bytes.Buffer
	file   *os.File // nil: all is in memory
	remove func() error
	err    error // of writing
}

// Write implements io.Writer.
func (s *spool) Write(p []byte) (int, error) {
	s.hash.Write(p)
	s.size += int64(len(p))
	if s.file == nil && s.size <= inMemory {
		return s.memory.Write(p)
	}
	if s.file == nil {
		if s.file, s.remove, s.err = (blob.Spill{}).Create(); s.err != nil {
			return 0, s.err
		}
		if _, s.err = s.file.Write(s.memory.Bytes()); s.err != nil {
			return 0, s.err
		}
		s.memory = bytes.Buffer{}
	}
	n, err := s.file.Write(p)
	s.err = err
	return n, err
}

func (s *spool) reader() io.ReaderAt {
	if s.file != nil {
		return s.file
	}
	return bytes.NewReader(s.memory.Bytes())
}

// Close removes the file, if there is one.
func (s *spool) Close() error {
	if s.remove == nil {
		return nil
	}
	return s.remove()
}
