package s3test

import (
	"testing"

	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/blobtest"
)

func TestConformance(t *testing.T) {
	p := newProxy(t)
	for name, config := range map[string]struct {
		prefix      string
		large, page int
	}{"bucket": {"", 11 << 20, 550}, "prefix": {"curatore/temp/", 6 << 20, 20}} { // what differs is in the keys
		t.Run(name, func(t *testing.T) {
			blobtest.Run(t, blobtest.Config{Large: config.large, Page: config.page, New: func(t *testing.T) blob.Store {
				c := newBucket(p)
				c.Prefix = config.prefix
				return open(t, c)
			}})
		})
	}
}
