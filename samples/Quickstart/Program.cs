// Makes an image and edits it by changing its prompt: house.png and red.png in the current directory.
// <snippet>
using PromptToPrompt;

using var pipeline = PromptToPromptPipeline.Load();
using var house = pipeline.Generate("a white house in a field", new() { Seed = 4, Steps = 30, Guidance = 5 });
house.Image.SavePng("house.png");

using var red = house.Edit("a (red:1.5) house in a field", new() { Blend = "house" });
red.Image.SavePng("red.png");

using var night = red.Edit("a red house in a field at night");
night.Image.SavePng("night.png");
// </snippet>
