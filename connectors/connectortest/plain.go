package connectortest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/curatore/curatore-go/content/extract"
)

// Plain is an extractor of text files that remembers what it has read. Files whose
// names end in .bad are broken. It is safe for concurrent use.
type Plain struct {
	mu   sync.Mutex
	read []string
}

var _ extract.Extractor = (*Plain)(nil)

// Name implements extract.Extractor.
func (*Plain) Name() string { return "plain/1" }

// Extract implements extract.Extractor.
func (p *Plain) Extract(_ context.Context, f extract.File) (*extract.Result, error) {
	p.mu.Lock()
	p.read = append(p.read, f.Name)
	p.mu.Unlock()
	if strings.HasSuffix(f.Name, ".bad") {
		return nil, fmt.Errorf("%w: no end", extract.ErrBroken)
	}
	b, err := io.ReadAll(io.NewSectionReader(f.ReaderAt, 0, f.Size))
	return &extract.Result{ContentType: "text/plain", Parts: []extract.Part{{Text: string(b)}}, Quality: 1}, err
}

// Took returns the names of the files that were read since the last call, sorted.
func (p *Plain) Took() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.read
	p.read = nil
	slices.Sort(all)
	return all
}
