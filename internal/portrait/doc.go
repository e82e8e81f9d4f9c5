// Package portrait writes who a user is in a few lines, for the prompt of a language
// model.
//
// Facts come first: since when, how much, when and where the user writes. Then the
// most telling of the user's own recent messages, as many as fit: rather long than
// short, rather new than old, and none that says again what another said. What other
// people wrote is never part of it, so lines that quote somebody are left out and
// names in mentions too.
//
// The text keeps to a budget of tokens, which differ from model to model: Tokens
// counts rather too many. It depends on nothing but what is given, so the same
// question has the same answer. A message is one line and holds nothing that is not
// visible, so that no message can pass for a fact.
package portrait
