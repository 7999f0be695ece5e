package upload

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/curatore/curatore-go/connectors"
)

// Dir returns the files below a directory, with their paths below it as names, in
// the order of these. Links are left out, and so are files and folders whose name
// begins with a dot. The files are opened only while they are read.
func Dir(dir string) ([]connectors.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	defer root.Close() //nolint:errcheck // it was only read
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	var files []connectors.File
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files = append(files, connectors.File{Name: name, Size: info.Size(), ReaderAt: &dirFile{absolute, name}})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	return files, nil
}

// A dirFile is a file that is opened for each reading, so that a folder of any
// size takes no file handles.
type dirFile struct{ dir, name string }

// ReadAt implements io.ReaderAt.
func (f *dirFile) ReadAt(p []byte, off int64) (n int, err error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return 0, err
	}
	defer root.Close() //nolint:errcheck // it was only read
	file, err := root.Open(f.name)
	if err != nil {
		return 0, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	return file.ReadAt(p, off)
}
