package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash"
	"math"
	"time"
)

// A hasher computes row hashes: over the typed values, since what a database
// gives back may be formatted anew, the payload, and the version of the mapping.
type hasher struct {
	h       hash.Hash
	version int
	scratch []byte
}

func newHasher(version int) *hasher { return &hasher{h: sha256.New(), version: version} }

// hashSize is enough to make an accidental equality impossible in practice.
const hashSize = 16

// row returns the hash of the values that an import writes, each of the Go type
// of its kind, and the payload.
func (h *hasher) row(values []any, raw []byte) []byte {
	b := binary.AppendVarint(h.scratch[:0], int64(h.version))
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = append(b, 0)
		case string:
			b = binary.AppendUvarint(append(b, 1), uint64(len(v)))
			b = append(b, v...)
		case int64:
			b = binary.AppendVarint(append(b, 2), v)
		case float64:
			b = binary.BigEndian.AppendUint64(append(b, 3), math.Float64bits(v))
		case bool:
			if v {
				b = append(b, 4)
			} else {
				b = append(b, 5)
			}
		case time.Time:
			b = binary.AppendVarint(append(b, 6), v.UnixMicro())
		case json.RawMessage:
			b = binary.AppendUvarint(append(b, 7), uint64(len(v)))
			b = append(b, v...)
		}
	}
	h.scratch = b
	h.h.Reset()
	h.h.Write(b)
	h.h.Write(raw)
	return h.h.Sum(make([]byte, 0, sha256.Size))[:hashSize]
}
