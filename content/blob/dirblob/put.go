package dirblob

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
)

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, o blob.PutOptions) (blob.Info, error) {
	if err := check(ctx, key); err != nil {
		return blob.Info{}, err
	}
	o, err := o.Check()
	if err != nil {
		return blob.Info{}, fmt.Errorf("object %s: %w", key, err)
	}
	meter := blob.NewMeter(o.Bound(blob.Until(ctx, r)))
	upload, err := s.upload(meter)
	if err == nil {
		err = errors.Join(context.Cause(ctx), meter.Check(o))
	}
	i := info{Size: meter.Size(), SHA256: meter.SHA256(), ContentType: o.ContentType, Filename: o.Filename, Metadata: o.Metadata}
	if err == nil {
		i, err = s.commit(key, upload, i)
	}
	if err != nil {
		return blob.Info{}, errors.Join(fmt.Errorf("put object %s: %w", key, full(err)), s.remove(upload))
	}
	return i.of(key), nil
}

// Copy implements blob.Store. Where the file system can, both objects share
// their bytes, which never change.
func (s *Store) Copy(ctx context.Context, from, to string) (blob.Info, error) {
	if err := errors.Join(check(ctx, from), check(ctx, to)); err != nil {
		return blob.Info{}, err
	}
	f, i, err := s.open(from)
	if err != nil {
		return blob.Info{}, err
	}
	defer f.Close()
	upload := path.Join(uploads, newID())
	if err = s.root.Link(path.Join(path.Dir(from), i.Content), upload); err == nil {
		now := time.Now() // of the file system, so that no Sweep takes it for an old one
		err = s.root.Chtimes(upload, now, now)
	} else {
		upload, err = s.upload(blob.Verify(blob.Until(ctx, f), i.of(from)))
	}
	if err == nil {
		i, err = s.commit(to, upload, i)
	}
	if err != nil {
		return blob.Info{}, errors.Join(fmt.Errorf("copy object %s to %s: %w", from, to, full(err)), s.remove(upload))
	}
	return i.of(to), nil
}

// upload writes bytes to the disk under a name that is no object's. After an
// error the file may be there.
func (s *Store) upload(r io.Reader) (name string, err error) {
	name = path.Join(uploads, newID())
	if err := s.mkdir(uploads); err != nil {
		return name, err
	}
	return name, s.write(name, func(f *os.File) error {
		_, err := io.Copy(f, r)
		return err
	})
}

// write makes a file with what do writes, and brings it to the disk.
func (s *Store) write(name string, do func(f *os.File) error) (err error) {
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }() // also when a reader panics
	if err := do(f); err != nil {
		return err
	}
	return f.Sync()
}

// commit makes an upload the content of an object, in place of what was there.
func (s *Store) commit(key, upload string, i info) (_ info, err error) {
	dir := path.Dir(key)
	i.Content, i.Modified = path.Base(key)+"@"+newID(), s.now().UTC()
	text, err := json.Marshal(i)
	if err != nil {
		return i, err
	}
	before, errBefore := s.read(key)
	if errBefore != nil && !errors.Is(errBefore, content.ErrNotFound) && !errors.Is(errBefore, blob.ErrCorrupt) {
		return i, errBefore
	}
	infoUpload := upload + infoSuffix
	defer func() {
		if err != nil {
			err = errors.Join(err, s.remove(infoUpload), s.remove(path.Join(dir, i.Content)))
			s.prune(dir)
		}
	}()
	if err := s.write(infoUpload, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	}); err != nil {
		return i, err
	}
	if err := s.move(dir, upload, path.Join(dir, i.Content)); err != nil {
		return i, err
	}
	if err := s.move(dir, infoUpload, key+infoSuffix); err != nil {
		return i, err
	}
	if errBefore == nil { // if this fails, the old content is left for Sweep
		_ = s.remove(path.Join(dir, before.Content))
	}
	return i, nil
}

// move renames a file into a directory and brings that to the disk. The directory
// may be removed at any time by a Delete that finds it empty.
func (s *Store) move(dir, from, to string) (err error) {
	for range 100 {
		if err = s.mkdir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err = s.root.Rename(from, to); err == nil {
			return s.sync(dir)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}
