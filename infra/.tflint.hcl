# All rules of the language; the clouds' own rules are plugins, which would have to be downloaded.
plugin "terraform" {
  enabled = true
  preset  = "all"
}

# Small modules are one file.
rule "terraform_standard_module_structure" {
  enabled = false
}
