package connectors

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// OpenFiles opens files on disk for an import. Call the returned function when
// the import has ended; after an error there is nothing to close.
func OpenFiles(paths ...string) (files []File, closeAll func() error, err error) {
	var open []*os.File
	closeAll = func() (err error) {
		for _, f := range open {
			err = errors.Join(err, f.Close())
		}
		return err
	}
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		open = append(open, f)
		info, err := f.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s is not a file", path)
		}
		if err != nil {
			return nil, nil, errors.Join(err, closeAll())
		}
		files = append(files, File{Name: filepath.Base(path), Size: info.Size(), ReaderAt: f})
	}
	return files, closeAll, nil
}
