package s3blob

import (
	"cmp"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/curatore/curatore-go/content/blob"
)

// The names of metadata that blob.Info has fields for. Web servers that stand
// before a store drop headers with an underscore, and with them what is signed;
// objects that other programs have put there may have one.
const (
	nameSHA256        = "sha256"
	nameFilename      = "original-filename"
	nameFilenameThere = "original_filename"
)

// toMetadata writes what is said about an object as S3 keeps it: in headers, so
// that values are escaped.
func toMetadata(o blob.PutOptions) map[string]string {
	m := map[string]string{}
	for name, value := range o.Metadata {
		m[name] = blob.EscapeMetadata(value)
	}
	if o.SHA256 != "" {
		m[nameSHA256] = o.SHA256
	}
	if o.Filename != "" {
		m[nameFilename] = blob.EscapeMetadata(o.Filename)
	}
	return m
}

// info reads it back.
func info(key string, i minio.ObjectInfo) blob.Info {
	out := blob.Info{Key: key, Size: i.Size, ContentType: cmp.Or(i.ContentType, "application/octet-stream"), Modified: i.LastModified.UTC()}
	for name, value := range i.UserMetadata {
		switch name = strings.ToLower(strings.TrimPrefix(strings.ToLower(name), "x-amz-meta-")); name {
		case nameSHA256:
			out.SHA256 = value
		case nameFilename, nameFilenameThere:
			out.Filename = blob.UnescapeMetadata(value)
		default:
			if out.Metadata == nil {
				out.Metadata = map[string]string{}
			}
			out.Metadata[name] = blob.UnescapeMetadata(value)
		}
	}
	return out
}
