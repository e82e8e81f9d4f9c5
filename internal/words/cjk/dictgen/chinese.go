package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// costUnit is how many steps of cost a factor of e in the frequency makes.
const costUnit = 1000

// chinese returns the dictionary of Chinese in the format of package cjk.
func chinese() ([]byte, error) {
	frequency, err := jieba()
	if err != nil {
		return nil, err
	}
	addVariants(frequency)
	total := 0.0
	for _, f := range frequency {
		total += f
	}
	names, spelt := sortedKeys(frequency)
	t := buildTrie(spelt)

	costs := make([]uint16, len(t.word))
	for i, word := range t.word {
		if word >= 0 {
			costs[i] = cost(frequency[names[word]], total)
		}
	}
	b := []byte("rcZH")
	b = binary.LittleEndian.AppendUint32(b, uint32(len(t.labels)))
	b = binary.LittleEndian.AppendUint16(b, cost(1, total)) // of a character that is no word
	b = appendUint16s(b, t.children)
	b = appendUint16s(b, t.labels)
	b = appendUint16s(b, costs)
	return b, nil
}

// cost is a word's unlikeliness; 0 is left for what is no word.
func cost(frequency, total float64) uint16 {
	return uint16(max(1, math.Round(costUnit*(math.Log(total)-math.Log(frequency)))))
}

// jieba returns the words and how often each was seen.
func jieba() (map[string]float64, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-ego/gse").Output()
	if err != nil {
		return nil, fmt.Errorf("find the word list: %w", err)
	}
	frequency := map[string]float64{}
	for _, name := range []string{"s_1.txt", "t_1.txt"} {
		file, err := os.Open(filepath.Join(strings.TrimSpace(string(out)), "data", "dict", "zh", name))
		if err != nil {
			return nil, err
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) < 2 {
				return nil, fmt.Errorf("%s: not a word and a frequency: %q", name, lines.Text())
			}
			f, err := strconv.ParseFloat(fields[1], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			// Of a word that is in both lists the first has the truth: the other says
			// of some that they are ten times as frequent.
			_, ok := spell(fields[0])
			if _, have := frequency[fields[0]]; ok && !have && f > 0 {
				frequency[fields[0]] = f
			}
		}
		if err := lines.Err(); err != nil {
			return nil, err
		}
	}
	return frequency, nil
}

// addVariants adds each traditional word once more as Taiwan and Hong Kong
// write it: the list has one form of each character (爲, 裏), and not the one
// that people there type (為, 裡).
func addVariants(frequency map[string]float64) {
	variants := strings.NewReplacer(
		"爲", "為", "裏", "裡", "啓", "啟", "綫", "線", "衆", "眾", "羣", "群", "麪", "麵", "牀", "床",
		"脣", "唇", "竈", "灶", "峯", "峰", "鉢", "缽", "污", "汙", "祕", "秘", "擡", "抬", "癡", "痴",
		"糉", "粽", "繮", "韁", "着", "著", "臺", "台", "僞", "偽", "潙", "溈", "嬀", "媯", "蔿", "蒍",
		"踊", "踴", "鮎", "鯰", "喫", "吃", "纔", "才", "泄", "洩", "痹", "痺", "鹼", "鹼", "嫺", "嫻")
	for word, f := range frequency {
		if variant := variants.Replace(word); variant != word {
			frequency[variant] = max(f, frequency[variant])
		}
	}
}
