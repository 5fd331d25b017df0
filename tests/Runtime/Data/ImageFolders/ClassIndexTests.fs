module ChannelDistillation.Tests.Runtime.Data.ImageFolders.ClassIndexTests

open System.IO
open Expecto
open ChannelDistillation.Specs
open ChannelDistillation.Tests.Runtime.Data.ImageFolders.TestImages

[<Tests>]
let tests =
    testList
        "class index file"
        [ test "A class index file puts the classes into the teacher's order" {
              for name, content in
                  [ "classes.txt", "dog\ncat\n"
                    "classes.txt", "dog domestic dog, Canis familiaris\n\ncat\tcat\n"
                    "class_index.json", """{"0": ["dog", "domestic dog"], "1": ["cat", "cat"]}"""
                    "imagenet_class_index.json", """{"1": "cat", "0": "dog"}"""
                    "class_index.json", """{"cat": 1, "dog": 0}""" ] do
                  withFolder cats (fun root ->
                      File.WriteAllText(Path.Combine(root, name), content)
                      use dataset = openFolder root 2
                      Expect.equal [ for i in 0..5 -> dataset.Training.Label i ] [ 0; 0; 0; 1; 1; 1 ] "labels"
                      use sorted = openFolder (TestImages.folder (Path.Combine(root, "sorted")) cats 3 2) 2
                      let none = AugmentationSpec.None
                      Expect.equal (read dataset.Training 0 none) (read sorted.Training 3 none) $"{name}: {content}: a dog comes first")
          }

          refused "a class index that lacks a class" cats (fun root -> File.WriteAllText(Path.Combine(root, "classes.txt"), "dog\n")) 2 (fun root ->
              $"""{Path.Combine(root, "classes.txt")} does not list the class cat, for which there is a folder. Complete or remove the file.""")

          refused
              "a class index that lists missing folders"
              cats
              (fun root -> File.WriteAllText(Path.Combine(root, "class_index.json"), """{"cat": 0, "dog": 1, "emu": 2}"""))
              2
              (fun root ->
                  $"""{Path.Combine(root, "class_index.json")} lists the class emu, for which there is no folder. Add the folders, or correct or remove the file.""")

          refused
              "a class index that lists a class twice"
              cats
              (fun root -> File.WriteAllText(Path.Combine(root, "classes.txt"), "cat\ndog\ncat"))
              2
              (fun root -> $"""{Path.Combine(root, "classes.txt")} lists the class cat twice.""")

          refused
              "a class index with gaps"
              cats
              (fun root -> File.WriteAllText(Path.Combine(root, "class_index.json"), """{"cat": 0, "dog": 2}"""))
              2
              (fun root -> $"""{Path.Combine(root, "class_index.json")} does not number its classes 0, 1, 2, ... without gaps.""")

          refused
              "a class index of another format"
              cats
              (fun root -> File.WriteAllText(Path.Combine(root, "class_index.json"), "[1, 2]"))
              2
              (fun root ->
                  Path.Combine(root, "class_index.json")
                  + " has an unknown format. It should look like {\"0\": [\"n01440764\", \"tench\"], ...} or {\"n01440764\": 0, ...}.") ]
