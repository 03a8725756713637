# Refuses to destroy what it depends on until the flag has been applied: data is lost by two commands, never by one.
terraform {
  required_version = ">= 1.10"
}

resource "terraform_data" "data" {
  input = { destroy_data = tostring(var.destroy_data), guards = var.guards }

  provisioner "local-exec" {
    when    = destroy
    command = "test \"$DESTROY_DATA\" = true || { echo \"$GUARDS has data: apply with destroy_data=true first.\" >&2; exit 1; }"

    environment = {
      DESTROY_DATA = self.output.destroy_data
      GUARDS       = self.output.guards
    }
  }
}

variable "destroy_data" {
  type        = bool
  description = "Whether the data may be destroyed."
}

variable "guards" {
  type        = string
  description = "What is guarded, for the message. The caller makes this depend on all that it guards."
}
