package templates

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image/png"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
)

// QRCode is a picture to scan, with the same secret as text for those who cannot. Make it with NewQRCode.
type QRCode struct {
	PNG    []byte
	Label  Msg
	Secret string
}

// qrPixels is the picture's width: a multiple of no module count in particular, so barcode.Scale leaves a white edge, which readers need.
const qrPixels = 416

// NewQRCode draws content, an otpauth address for instance. The secret is shown beside it in groups of four, as people read it.
func NewQRCode(content, secret string, label Msg) (QRCode, error) {
	code, err := qr.Encode(content, qr.M, qr.Auto)
	if err != nil {
		return QRCode{}, fmt.Errorf("drawing a QR code: %w", err)
	}
	if code, err = barcode.Scale(code, qrPixels, qrPixels); err != nil {
		return QRCode{}, fmt.Errorf("drawing a QR code: %w", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, code); err != nil {
		return QRCode{}, fmt.Errorf("drawing a QR code: %w", err)
	}
	return QRCode{PNG: out.Bytes(), Label: label, Secret: grouped(secret)}, nil
}

func grouped(secret string) string {
	var out []byte
	for i := range len(secret) {
		if i > 0 && i%4 == 0 {
			out = append(out, ' ')
		}
		out = append(out, secret[i])
	}
	return string(out)
}

// Src is the picture as a data address, so that a secret never has an address of its own. The policy must allow img-src data:.
func (q QRCode) Src() template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(q.PNG))
}

func (QRCode) part() string { return "qr-code" }
