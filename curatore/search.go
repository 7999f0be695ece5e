package curatore

import "github.com/curatore/curatore-go/functions"

func (c *Curator) assembleSearch() error { return nil }

func (c *Curator) sources() functions.Sources {
	return functions.Sources{Registry: c.registry, Records: c.store, Text: c.text}
}
