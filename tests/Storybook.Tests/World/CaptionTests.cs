using CsCheck;
using PromptToPrompt.Storybook.World;

namespace PromptToPrompt.Storybook.Tests.World;

public sealed class CaptionTests
{
    [Fact]
    public void CaptionsAreWellFormedAndGroundingsPointAtTheirWords() => Gen.Int.Sample(
        seed =>
        {
            var rng = new Random(seed);
            var scene = Scene.Sample(rng);
            foreach (var caption in new[] { Caption.Compose(scene, rng), Caption.Canonical(scene) })
            {
                var words = caption.Text.Split(' ');
                Assert.InRange(words.Length, 1, 25);
                Assert.DoesNotContain("", words);
                foreach (var word in words)
                    Assert.Contains(word.TrimEnd(',', '.').ToLowerInvariant(), Vocabulary.Words);
                foreach (var grounding in caption.Grounding)
                    Assert.Equal(words[grounding.WordIndex].TrimEnd(',', '.'), grounding.Word);
                Assert.Contains(caption.Grounding, grounding => grounding.Part == Part.Subject);
            }
        },
        iter: 5000);

    [Fact]
    public void WhatIsNotDefaultIsNamed() => Gen.Int.Sample(
        seed =>
        {
            var rng = new Random(seed);
            var scene = Scene.Sample(rng);
            var parts = Caption.Compose(scene, rng).Grounding.Select(grounding => grounding.Part).ToHashSet();
            Assert.Equal(scene.Companion is not null, parts.Contains(Part.Companion));
            Assert.Equal(scene.Trait is Trait.Hat or Trait.Scarf, parts.Contains(Part.Accessory));
            if (scene.Time != TimeOfDay.Day || scene.Weather == Weather.Rainbow)
                Assert.Contains(Part.Sky, parts);
            if (scene.Style != Style.Image || scene.Weather is not (Weather.Clear or Weather.Rainbow))
                Assert.Contains(Part.Whole, parts);
        },
        iter: 3000);

    [Fact]
    public void CanonicalWordingReadsAsAPersonWouldTypeIt()
    {
        var castle = new Scene { Subject = Subject.Castle, Place = Place.River, LayoutSeed = 1 };
        Assert.Equal("a castle by a river", Caption.Canonical(castle).Text);
        Assert.Equal("a children's drawing of a castle by a river", Caption.Canonical(castle with { Style = Style.Drawing }).Text);
        Assert.Equal(
            "an orange dog with a hat in a forest in the snow at night",
            Caption.Canonical(new Scene
            {
                Subject = Subject.Dog,
                Color = Color.Orange,
                Trait = Trait.Hat,
                Place = Place.Forest,
                Time = TimeOfDay.Night,
                Weather = Weather.Snow,
                LayoutSeed = 1,
            }).Text);
    }

    [Fact]
    public void GroundingNamesEachPart()
    {
        var scene = new Scene
        {
            Subject = Subject.Cat,
            Color = Color.Black,
            Trait = Trait.Hat,
            Companion = Subject.Tree,
            Place = Place.Beach,
            Time = TimeOfDay.Night,
            Weather = Weather.Fog,
            Style = Style.Photo,
            LayoutSeed = 1,
        };
        Assert.Equal(
            [
                new Grounding("photo", 1, Part.Whole),
                new Grounding("black", 4, Part.Subject),
                new Grounding("cat", 5, Part.Subject),
                new Grounding("hat", 8, Part.Accessory),
                new Grounding("tree", 11, Part.Companion),
                new Grounding("beach", 14, Part.Place),
                new Grounding("fog", 17, Part.Whole),
                new Grounding("night", 19, Part.Sky),
            ],
            Caption.Canonical(scene).Grounding);
    }
}
