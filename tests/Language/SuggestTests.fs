module ChannelDistillation.Tests.SuggestTests

open Expecto
open ChannelDistillation.Dsl

let private losses = [ "ce"; "kd"; "gkd"; "cd"; "at"; "fitnets" ]

[<Tests>]
let tests =
    testList
        "suggestions"
        [ test "Similar words are suggested" {
              Expect.equal (Suggest.near "gdk" losses) [ "gkd" ] "two letters swapped"
              Expect.equal (Suggest.near "dk" losses) [ "kd" ] "two of two letters swapped"
              Expect.equal (Suggest.near "FitNet" losses) [ "fitnets" ] "case, and a letter less"
              Expect.equal (Suggest.near "learning-rate" [ "learning_rate" ]) [ "learning_rate" ] "what joins words"
              Expect.equal (Suggest.near "cifar10" [ "cifar"; "imagenet" ]) [ "cifar" ] "more at the end"
          }

          test "Dissimilar words are not suggested" {
              Expect.equal (Suggest.near "perceptual" losses) [] "an unrelated word"
              Expect.equal (Suggest.near "xx" losses) [] "two other letters"
              Expect.equal (Suggest.near "cf" losses) [] "one of two letters replaced"
              Expect.equal (Suggest.near "" losses) [] "nothing"
              Expect.equal (Suggest.near (String.replicate 1000 "a") losses) [] "no name"
          }

          test "Numbers are parsed in the notation of experiments only" {
              for text, value in [ "6", 6.0; ".5", 0.5; "5.", 5.0; "1e-4", 1e-4; "-2.5E3", -2500.0; "+1", 1.0 ] do
                  Expect.equal (Numbers.tryParse text) (Some value) text

              for text in [ "0,1"; "1_000"; ".inf"; "nan"; "Infinity"; "1e999"; "1e-999"; "0x10"; "1 2"; ""; "six"; "∞"; "-∞" ] do
                  Expect.equal (Numbers.tryParse text) None text

              for value in [ 0.0005; 1e-7; 1e21; 0.1; 3.0; -2.5 ] do
                  Expect.equal (Numbers.tryParse (Numbers.show value)) (Some value) (Numbers.show value)

              Expect.equal (List.map Numbers.show [ 5e-4; 1e-7; 1e21; 6.0 ]) [ "0.0005"; "1e-7"; "1e21"; "6" ] "shown"
          } ]
