"""How a page looks, and how soon.

Stock pages bring a dozen style sheets, three icon fonts, scripts that stop a browser from reading
on, and a formula's source for a script from another host to draw; images say neither their size nor
what they show. Here formulas are drawn when the book is built, images say both, and a page waits
for one style sheet and no script.
"""
