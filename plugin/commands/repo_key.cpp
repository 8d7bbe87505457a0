// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.hpp"
#include "core/base/file_descriptor.hpp"
#include "core/base/text.hpp"
#include "core/repository/key_slots.hpp"
#include "plugin/cli/global_flags.hpp"
#include "plugin/commands/verbs.hpp"
#include "plugin/context.hpp"
#include "plugin/open_repository.hpp"
#include "plugin/secret.hpp"

#include <filesystem>
#include <ostream>

namespace backup::plugin {

namespace {

constexpr std::string_view kManual =
    R"(Every key slot opens the whole repository by itself. "list" shows them, "add" makes another one:
with --new-key-file a key file that is made at that path, with --new-passphrase-file for the
passphrase in that file. "remove SLOT" takes one away; the key in use must open another slot, so that
the last key can never be removed by mistake.

Removing a slot shuts out who has only that key from now on. Who had opened the repository before may
have kept what the slot wraps.)";

std::string_view word_for(repository::SlotMethod method) {
    return method == repository::SlotMethod::KeyFile ? "KeyFile" : "Passphrase";
}

RecordKind slot_kind() {
    RecordKind kind;
    kind.item_kind = "KeySlot";
    kind.columns = {
        {"ID", [](const Json& slot) { return Cell{slot.text_at({"id"})}; }, false},
        {"METHOD", [](const Json& slot) { return Cell{slot.text_at({"method"})}; }, false},
        {"IN USE",
         [](const Json& slot) { return Cell{slot.bool_at({"inUse"}) ? "yes" : "no"}; },
         false},
        {"STATE",
         [](const Json& slot) {
             return slot.bool_at({"damaged"}) ? Cell{"damaged", Tone::Bad} : Cell{"sound"};
         },
         false},
    };
    kind.name = [](const Json& slot) { return slot.text_at({"id"}); };
    return kind;
}

Json to_json(const repository::KeySlot& slot) {
    return Json::object({{"id", slot.id},
                         {"method", slot.is_damaged ? Json() : Json(word_for(slot.method))},
                         {"inUse", slot.is_used},
                         {"damaged", slot.is_damaged}});
}

int list_slots(Context& context, const OpenedPlace& opened) {
    Json::Array slots;
    for (const auto& slot :
         repository::list_key_slots(*opened.backend, opened.repository.id(), opened.secret)) {
        slots.push_back(to_json(slot));
    }
    print_list(context.output(), slot_kind(), slots);
    return 0;
}

/// The new key file is durable before the slot that needs it.
repository::Secret make_secret(Context& context, const OpenedPlace& opened) {
    const auto& arguments = context.arguments();
    const auto path = arguments.find_text("new-key-file");
    const auto passphrase = arguments.find_text("new-passphrase-file");
    if (path.has_value() == passphrase.has_value()) {
        throw Error(ErrorCode::Usage,
                    "\"add\" needs --new-key-file or --new-passphrase-file, one of the two");
    }
    repository::Secret secret;
    if (passphrase) {
        secret.passphrase = find_passphrase({KeySource::Kind::PassphraseFile, *passphrase}, {});
        return secret;
    }
    if (std::filesystem::exists(*path)) {
        throw Error(ErrorCode::AlreadyExists, concat("there is a file ", printable(*path)))
            .hint("the new key file is made: name a path that is free");
    }
    secret.key_file.emplace();
    secret.key_file->repository = opened.repository.id();
    context.app().random.fill(secret.key_file->secret);
    if (!context.is_dry_run()) {
        write_file_atomically(*path, as_bytes(repository::format_key_file(*secret.key_file)), 0600);
    }
    return secret;
}

void report(Context& context, const repository::KeySlot& slot, std::string_view done) {
    const auto output = context.output();
    if (is_for_programs(output.format)) {
        print_record(output, "KeySlot", to_json(slot));
    } else {
        output.out << "keyslot/" << slot.id << ' ' << done << '\n';
    }
}

int add_slot(Context& context, const OpenedPlace& opened) {
    const auto secret = make_secret(context, opened);
    repository::KeySlot slot;
    slot.method =
        secret.key_file ? repository::SlotMethod::KeyFile : repository::SlotMethod::Passphrase;
    if (context.is_dry_run()) {
        context.say(concat("would add a slot of method ", word_for(slot.method)));
        return 0;
    }
    slot.id = repository::add_key_slot(
        *opened.backend, opened.repository.id(), opened.secret, secret, context.app().random);
    report(context, slot, "added");
    return 0;
}

int remove_slot(Context& context, const OpenedPlace& opened) {
    const auto name = context.arguments().argument(1);
    if (name.empty()) {
        throw Error(ErrorCode::Usage, "\"remove\" needs the id of a slot")
            .hint("see \"kubectl backup repo key list\"");
    }
    const auto slot = repository::choose_slot_to_remove(
        *opened.backend, opened.repository.id(), opened.secret, name);
    if (context.is_dry_run()) {
        context.say(concat("would remove the slot ", slot.id));
        return 0;
    }
    repository::remove_key_slot(*opened.backend, slot);
    report(context, slot, "removed");
    return 0;
}

int run(Context& context) {
    const auto action = context.arguments().argument(0);
    if (action != "list" && action != "add" && action != "remove") {
        throw Error(ErrorCode::Usage,
                    concat("\"", printable(action), "\" is none of list, add, remove"));
    }
    const auto opened = open_place(context.settings(), context.app().environment);
    if (action == "list") {
        return list_slots(context, *opened);
    }
    return action == "add" ? add_slot(context, *opened) : remove_slot(context, *opened);
}

}  // namespace

Command repo_key_command() {
    Command command;
    command.name = "repo key";
    command.group = kCareGroup;
    command.summary = "List, add and remove the keys of the repository";
    command.manual = kManual;
    command.arguments = {
        {"list|add|remove", true, false, Completes::Nothing, {"list", "add", "remove"}},
        {"SLOT", false}};
    command.flags = {
        {"new-key-file",
         0,
         FlagKind::Text,
         "FILE",
         "",
         "add: make a key file here",
         "",
         {},
         Completes::File},
        {"new-passphrase-file",
         0,
         FlagKind::Text,
         "FILE",
         "",
         "add: the passphrase in this file",
         "",
         {},
         Completes::File},
        dry_run_flag(),
        output_flag({"table", "json", "yaml", "name"}),
    };
    command.examples = {
        {"Who can open it", "kubectl backup repo key list"},
        {"A second key file", "kubectl backup repo key add --new-key-file spare.key"}};
    command.run = run;
    return command;
}

}  // namespace backup::plugin
