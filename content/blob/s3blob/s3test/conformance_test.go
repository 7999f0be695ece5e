package s3test

import (
	"testing"

	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/blobtest"
)

func TestConformance(t *testing.T) {
	p := newProxy(t)
	for name, prefix := range map[string]string{"bucket": "", "prefix": "curatore/temp/"} {
		t.Run(name, func(t *testing.T) {
			blobtest.Run(t, blobtest.Config{Large: 11 << 20, Page: 550, New: func(t *testing.T) blob.Store {
				c := newBucket(p)
				c.Prefix = prefix
				return open(t, c)
			}})
		})
	}
}
