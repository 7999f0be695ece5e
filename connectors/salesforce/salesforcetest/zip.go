package salesforcetest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// Entry is one file of a zip.
type Entry struct {
	Name    string // with folders, as it is to stand in the zip
	Content string
}

// Zip packs entries in their order. It panics on an error, which only a program
// can cause.
func Zip(entries ...Entry) []byte {
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := zw.CreateHeader(&zip.FileHeader{Name: e.Name, Method: zip.Deflate, Modified: modified})
		if err == nil {
			_, err = io.WriteString(w, e.Content)
		}
		if err != nil {
			panic(fmt.Sprintf("salesforcetest: zip: %v", err))
		}
	}
	if err := zw.Close(); err != nil {
		panic(fmt.Sprintf("salesforcetest: zip: %v", err))
	}
	return b.Bytes()
}

// CSV writes rows as a weekly export does: every field quoted, LF.
func CSV(rows ...[]string) string {
	r := &row{}
	for _, fields := range rows {
		for _, f := range fields {
			r.text(f)
		}
		r.end()
	}
	return string(r.b)
}

// Encrypted is Zip with the mark of encryption on every entry.
func Encrypted(entries ...Entry) []byte {
	data := Zip(entries...)
	eachHeader(data, func(header []byte, flags int) { header[flags] |= 1 })
	return data
}

// Truncated is the first two thirds of a file, as after a download that broke
// off.
func Truncated(data []byte) []byte { return bytes.Clone(data[:len(data)*2/3]) }

// BadChecksum is Zip with content that does not fit its checksum.
func BadChecksum(entries ...Entry) []byte {
	data := Zip(entries...)
	eachHeader(data, func(header []byte, flags int) {
		if flags == centralFlags {
			header[16] ^= 0x55 // CRC-32
		}
	})
	// The data descriptors hold the checksum once more.
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte("PK\x07\x08"))
		if i < 0 {
			return data
		}
		data[at+i+4] ^= 0x55
		at += i + 4
	}
}

const localFlags, centralFlags = 6, 8

// eachHeader calls f with every local and central header of a zip.
func eachHeader(data []byte, f func(header []byte, flags int)) {
	end := bytes.LastIndex(data, []byte("PK\x05\x06"))
	count := int(binary.LittleEndian.Uint16(data[end+10:]))
	at := int(binary.LittleEndian.Uint32(data[end+16:]))
	for range count {
		h := data[at:]
		f(h, centralFlags)
		f(data[binary.LittleEndian.Uint32(h[42:]):], localFlags)
		at += 46 + int(binary.LittleEndian.Uint16(h[28:])) + int(binary.LittleEndian.Uint16(h[30:])) + int(binary.LittleEndian.Uint16(h[32:]))
	}
}

// Bomb is a zip whose only entry unpacks to a header and rows of 1 MiB, of about
// size bytes in all, from about a thousandth of that. It declares its size honestly;
// with lie it declares 1000 bytes.
func Bomb(name string, size int64, lie bool) []byte {
	// Deflate streams can be joined at a sync flush, so one block is packed
	// once and repeated.
	pack := func(text string, last bool) []byte {
		var b bytes.Buffer
		w, err := flate.NewWriter(&b, flate.BestCompression)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err == nil && last {
			err = w.Close()
		} else if err == nil {
			err = w.Flush()
		}
		if err != nil {
			panic(fmt.Sprintf("salesforcetest: bomb: %v", err))
		}
		return b.Bytes()
	}
	header := "\"Id\",\"Name\"\n"
	block := "\"\",\"" + strings.Repeat("a", 1<<20-6) + "\"\n"
	crc := crc32.ChecksumIEEE([]byte(header))
	data := pack(header, false)
	packed := pack(block, false)
	total := int64(len(header))
	for ; total < size; total += int64(len(block)) {
		data = append(data, packed...)
		crc = crc32.Update(crc, crc32.IEEETable, []byte(block))
	}
	data = append(data, pack("", true)...)
	declared := uint64(total)
	if lie {
		declared = 1000
	}
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	w, err := zw.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Deflate, Modified: modified, CRC32: crc,
		CompressedSize64: uint64(len(data)), UncompressedSize64: declared,
	})
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = zw.Close()
	}
	if err != nil {
		panic(fmt.Sprintf("salesforcetest: bomb: %v", err))
	}
	return b.Bytes()
}
