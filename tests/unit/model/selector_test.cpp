// SPDX-License-Identifier: Apache-2.0
#include "core/model/selector.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/errors.hpp"

#include <tuple>

using namespace backup;
using namespace backup::model;
using backup::testing::contains;
using backup::testing::error_of;

namespace {

const Labels kWeb = {{"app", "web"}, {"tier", "front"}, {"size", "12"}, {"empty", ""}};

ApiResource deployments() {
    ApiResource resource;
    resource.group = "apps";
    resource.version = "v1";
    resource.kind = "Deployment";
    resource.plural = "deployments";
    resource.singular = "deployment";
    resource.short_names = {"deploy"};
    resource.namespaced = true;
    return resource;
}

ApiResource pods() {
    ApiResource resource;
    resource.version = "v1";
    resource.kind = "Pod";
    resource.plural = "pods";
    resource.singular = "pod";
    resource.short_names = {"po"};
    resource.namespaced = true;
    return resource;
}

}  // namespace

TEST_CASE("label selectors match as the API server matches them", "[selector]") {
    const auto [text, expected] = GENERATE(table<std::string, bool>({
        {"", true},
        {"app=web", true},
        {"app==web", true},
        {"app = web", true},
        {"app=db", false},
        {"app!=db", true},
        {"app!=web", false},
        {"missing!=x", true},
        {"app", true},
        {"missing", false},
        {"!missing", true},
        {"!app", false},
        {"app in (web, db)", true},
        {"app in (db)", false},
        {"missing in (web)", false},
        {"app notin (web,db)", false},
        {"app notin (db)", true},
        {"missing notin (web)", true},
        {"app=web,tier=front", true},
        {"app=web,tier=back", false},
        {"app in (web,db),!missing,size>11", true},
        {"size>12", false},
        {"size<13", true},
        {"app>1", false},
        {"missing<1", false},
        {"empty=", true},
        {"empty in (,x)", true},
        {"app=", false},
        {"in in (a)", false},
        {"example.com/part notin ()", true},
    }));
    CAPTURE(text);
    CHECK(matches(parse_label_selector(text), kWeb) == expected);
}

TEST_CASE("a formatted label selector parses to the same", "[selector]") {
    const auto text = GENERATE(as<std::string>(),
                               "",
                               "a",
                               "!a",
                               "a=b",
                               "a=",
                               "a!=b",
                               "a in (b,c)",
                               "example.com/a notin (b,c)",
                               "n>3,m<4",
                               "a,!b,c=d,e in (f,g)");
    const auto selector = parse_label_selector(text);
    CHECK(format_label_selector(selector) == text);
    CHECK(parse_label_selector(format_label_selector(selector)) == selector);
}

TEST_CASE("broken label selectors are refused with what was expected", "[selector]") {
    const auto [text, expected] = GENERATE(table<std::string, std::string>({
        {",", "label key"},
        {"a,", "found the end, expected a label key"},
        {"a b", "found 'b'"},
        {"=b", "found '=', expected a label key"},
        {"a=b=c", "expected ','"},
        {"!a=b", "expected ','"},
        {"a in b", "expected '('"},
        {"a in (b", "expected ')'"},
        {"a in (b,(c)", "found '('"},
        {"a>b", "is no integer"},
        {"a>", "is no integer"},
        {"-a", "is no label key"},
        {"/a", "is no label key"},
        {"A_b.com/x", "is no label key"},
        {"a=b_", "is no label value"},
        {"a=" + std::string(64, 'x'), "is no label value"},
        {"a=\x1b[31m", "\\x1b"},
    }));
    CAPTURE(text);
    const auto error = error_of([&text = text] { return parse_label_selector(text); });
    CHECK(error.code() == ErrorCode::InvalidArgument);
    CHECK_THAT(error.message(), contains(expected));
}

TEST_CASE("annotation selectors take any value", "[selector]") {
    const Labels annotations = {{"team", "a=b, c"}, {"x.io/y", ""}};
    CHECK(matches(parse_annotation_selector("team"), annotations));
    CHECK(matches(parse_annotation_selector("team=a=b, c"), annotations));
    CHECK(matches(parse_annotation_selector("x.io/y="), annotations));
    CHECK_FALSE(matches(parse_annotation_selector("team="), annotations));
    CHECK_FALSE(matches(parse_annotation_selector("other"), annotations));
    CHECK(error_of([] { return parse_annotation_selector("=v"); }).code() ==
          ErrorCode::InvalidArgument);
}

TEST_CASE("a kind is known by all its names", "[selector]") {
    const auto [word, is_deployment, is_pod] = GENERATE(table<std::string, bool, bool>({
        {"deployments", true, false},
        {"deployment", true, false},
        {"Deployment", true, false},
        {"deploy", true, false},
        {"deployments.apps", true, false},
        {"Deployment.apps", true, false},
        {"deploy.apps", true, false},
        {"apps", true, false},
        {"*.apps", true, false},
        {"po", false, true},
        {"PODS", false, true},
        {"core", false, true},
        {"p?ds", false, true},
        {"*", true, true},
        {"deployments.batch", false, false},
        {"", false, false},
    }));
    CAPTURE(word);
    CHECK(names_resource(word, deployments()) == is_deployment);
    CHECK(names_resource(word, pods()) == is_pod);
}
