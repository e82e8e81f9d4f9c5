// Package jsonscan reads JSON piece by piece, without decoding what nobody asks for.
//
//	c := jsonscan.Cursor{S: text}
//	for c.Open('{'); c.Member(&key); {
//		switch key {
//		case "id":
//			id = c.Value().Text()
//		default:
//			c.Skip()
//		}
//	}
//
// It is for input of which a reader wants a few members out of many: what is
// skipped is only followed to its end. So it takes some texts that are not JSON, a
// comma too many for instance; of valid JSON it reads what encoding/json reads.
// The strings that it returns are parts of the text where that has them as they are.
package jsonscan
