// What tests for the second version of Catch2 include, made of the headers of the third.
#pragma once
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_all.hpp>
using Catch::Approx;
